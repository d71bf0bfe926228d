/** Looks at one picture once: hash, size, thumbnail, sharpness, and the small pictures that near-duplicates are found by. */
import { readFile, stat } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { sha256 } from './captions.ts';
import { endIsMissing } from './cutOff.ts';
import { MAX_FILE_BYTES, MAX_PIXELS, openUpright, readsHeic } from './decode.ts';
import { dominantColourShare, laplacianVariance } from './quality.ts';
import { luminance, type Raster } from './raster.ts';
import { signatureOf } from './signature.ts';
import { formatOfName, sniffImage } from './sniff.ts';

export interface ImageFacts {
  contentHash: string;
  format: string;
  /** size of the upright picture, px */
  width: number;
  height: number;
  orientation: number;
  alpha: boolean;
  /** embedded colour profile's name; null: none */
  profile: string | null;
  animated: boolean;
  /** variance of the Laplacian at ≤ 320 px a side */
  sharpness: number;
  /** share of the commonest colour, 0–1 */
  flatness: number;
  /** two 32×32 RGB thumbs one after the other: whole, trimmed */
  signature: Uint8Array;
  /** WebP, at most 320 px a side */
  thumbnail: Buffer;
}
export interface ProbeProblem { code: string; reason: string; contentHash: string | null }
export type Probe = { ok: true; facts: ImageFacts } | { ok: false; problem: ProbeProblem };

/** Thumbnails, and the picture that everything is measured on: one decode serves both. */
export const THUMBNAIL_SIDE = 320;
export const THUMBNAIL_WEBP = { quality: 80, effort: 0 } as const;

/** Probes the file; every way in which it can be bad becomes a problem with a reason. Never throws, never writes. */
export async function probeImage(path: string, background: string): Promise<Probe> {
  let contentHash: string | null = null, bytes: Buffer | null = null;
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) return { ok: false, problem: { code: 'too-large', reason: `the file has ${Math.round(size / 1e6)} MB; more than ${MAX_FILE_BYTES / 1048576} MiB is not read`, contentHash } };
    bytes = await readFile(path);
    contentHash = sha256(bytes);
    if (bytes.length === 0) return { ok: false, problem: { code: 'empty-file', reason: 'the file is empty (0 bytes)', contentHash } };
    return { ok: true, facts: { contentHash, ...await analyse(bytes, background) } };
  } catch (error) {
    return { ok: false, problem: { ...explain(error, path, bytes), contentHash } };
  }
}

async function analyse(bytes: Buffer, background: string): Promise<Omit<ImageFacts, 'contentHash'>> {
  const picture = openUpright(bytes, background);
  const meta = await picture.metadata();
  const sniffed = sniffImage(bytes.subarray(0, 32));
  if (sniffed === undefined) throw new UnknownFormat();
  const raster = await reduced(picture);
  const turned = (meta.orientation ?? 1) >= 5;
  return {
    format: sniffed, width: turned ? meta.height : meta.width, height: turned ? meta.width : meta.height,
    orientation: meta.orientation ?? 1, alpha: meta.hasAlpha ?? false, profile: meta.icc ? profileName(meta.icc) : null, animated: (meta.pages ?? 1) > 1,
    sharpness: laplacianVariance(luminance(raster, plane), raster.width, raster.height), flatness: dominantColourShare(raster.data), signature: signatureOf(raster),
    thumbnail: await sharp(raster.data, { raw: { width: raster.width, height: raster.height, channels: 3 } }).webp(THUMBNAIL_WEBP).toBuffer(),
  };
}

/** Luma of the picture being measured: measuring never waits, so one plane serves all. */
const plane = new Uint8Array(THUMBNAIL_SIDE * THUMBNAIL_SIDE);

/** The picture at thumbnail size, in memory. */
export async function reduced(picture: Sharp): Promise<Raster> {
  const { data, info } = await picture.resize(THUMBNAIL_SIDE, THUMBNAIL_SIDE, { fit: 'inside', withoutEnlargement: true }).raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: info.channels === 3 ? new Uint8Array(data.buffer, data.byteOffset, data.length) : toRgb(data, info.channels) };
}

class UnknownFormat extends Error {}

function toRgb(data: Uint8Array, channels: number): Uint8Array {
  const n = data.length / channels, out = new Uint8Array(n * 3);
  for (let i = 0; i < n; i++) for (let c = 0; c < 3; c++) out[i * 3 + c] = data[i * channels + (channels >= 3 ? c : 0)]!;
  return out;
}

/** The description of an ICC profile (ICC.1:2022, 9.2.41: tag 'desc', as text or as multi-localized unicode). */
export function profileName(icc: Buffer): string {
  for (let i = 0, at = 132; i < icc.readUInt32BE(128) && at + 12 <= icc.length; i++, at += 12) {
    if (icc.toString('latin1', at, at + 4) !== 'desc') continue;
    const start = icc.readUInt32BE(at + 4);
    if (icc.toString('latin1', start, start + 4) === 'desc') return icc.toString('latin1', start + 12, start + 11 + icc.readUInt32BE(start + 8));
    const length = icc.readUInt32BE(start + 20), from = start + icc.readUInt32BE(start + 24);
    return Buffer.from(icc.subarray(from, from + length - (length % 2))).swap16().toString('utf16le');
  }
  return 'unnamed profile';
}

/** sharp's and the file system's errors in words. */
function explain(error: unknown, path: string, bytes: Buffer | null): { code: string; reason: string } {
  const { code, message = String(error) } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return { code: 'missing', reason: 'the file disappeared while it was being read' };
  if (code === 'EACCES' || code === 'EPERM') return { code: 'no-permission', reason: 'reading the file is not permitted' };
  if (bytes === null) return { code: 'unreadable', reason: `the file could not be read: ${message}` };
  if (/pixel limit/i.test(message)) return { code: 'too-many-pixels', reason: `more than ${MAX_PIXELS / 1e6} million pixels: refused before decoding` };
  if (formatOfName(path) === 'heif' && !readsHeic()) return { code: 'format', reason: 'HEIC needs an HEVC decoder, which this build does not have: convert it to JPEG or PNG' };
  if (bytes.length > 8 && endIsMissing(bytes)) return { code: 'truncated', reason: 'the picture is cut off: its end is missing' };
  if (error instanceof UnknownFormat || /unsupported image format/i.test(message)) return { code: 'format', reason: 'its content is no picture format that can be read, whatever its name says' };
  if (/premature|truncated|unexpected end|end of (file|stream|data)|not enough|out of data|incomplete/i.test(message)) return { code: 'truncated', reason: `the picture is cut off: ${firstLine(message)}` };
  return { code: 'corrupt', reason: `the picture cannot be decoded: ${firstLine(message)}` };
}

const firstLine = (message: string): string => message.split('\n')[0]!.slice(0, 200);
