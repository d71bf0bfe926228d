/** What a file is by its first bytes, whatever its name says. */

export type ImageFormat = 'png' | 'jpeg' | 'webp' | 'gif' | 'tiff' | 'avif' | 'heif';

const ascii = (b: Uint8Array, from: number, to: number): string => String.fromCharCode(...b.subarray(from, to));
const HEVC = ['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx'];

/** Bytes of a file's beginning that sniffImage needs. */
export const SNIFF_BYTES = 32;

/** The picture format of a file that starts with these bytes, or undefined when it is none we know. */
export function sniffImage(head: Uint8Array): ImageFormat | undefined {
  if (ascii(head, 0, 8) === '\x89PNG\r\n\x1a\n') return 'png';
  if (head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff) return 'jpeg';
  if (ascii(head, 0, 4) === 'RIFF' && ascii(head, 8, 12) === 'WEBP') return 'webp';
  if (ascii(head, 0, 4) === 'GIF8') return 'gif';
  if (ascii(head, 0, 4) === 'II*\0' || ascii(head, 0, 4) === 'MM\0*' || ascii(head, 0, 4) === 'II+\0' || ascii(head, 0, 4) === 'MM\0+') return 'tiff';
  if (ascii(head, 4, 8) !== 'ftyp') return undefined;
  const brands = [ascii(head, 8, 12), ascii(head, 16, 20), ascii(head, 20, 24), ascii(head, 24, 28)];
  if (brands.some((b) => b === 'avif' || b === 'avis')) return 'avif';
  return brands.some((b) => HEVC.includes(b) || b === 'mif1' || b === 'msf1') ? 'heif' : undefined;
}

const byExtension: Record<string, ImageFormat> = {
  png: 'png', apng: 'png', jpg: 'jpeg', jpeg: 'jpeg', jpe: 'jpeg', jfif: 'jpeg', webp: 'webp', gif: 'gif', tif: 'tiff', tiff: 'tiff',
  avif: 'avif', heic: 'heif', heif: 'heif', hif: 'heif',
};

/** The picture format a file's name promises, or undefined. */
export function formatOfName(name: string): ImageFormat | undefined {
  return byExtension[name.slice(name.lastIndexOf('.') + 1).toLowerCase()];
}
