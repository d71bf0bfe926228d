/** PNG files with their settings inside, as text chunks (PNG specification, 11.3.4): "parameters" in A1111's form, and our own JSON. */
import { crc32 } from 'node:zlib';
import sharp from 'sharp';

export interface PictureSettings {
  prompt: string; negative_prompt: string; seed: number; sampler: string; num_inference_steps: number; guidance_scale: number;
  width: number; height: number; model: string; [other: string]: unknown;
}

/** RGB bytes [height, width, 3] as PNG. */
export async function encodePng(pixels: Uint8Array, settings: PictureSettings): Promise<Uint8Array> {
  const { width, height } = settings;
  const png = await sharp(pixels, { raw: { width, height, channels: 3 } }).png({ compressionLevel: 6 }).toBuffer();
  return withText(png, { parameters: parametersText(settings), 'lpl-studio': JSON.stringify(settings) });
}

/** As A1111 writes them, which ComfyUI, Civitai and image viewers read. */
function parametersText(s: PictureSettings): string {
  const negative = s.negative_prompt ? `\nNegative prompt: ${s.negative_prompt}` : '';
  return `${s.prompt}${negative}\nSteps: ${s.num_inference_steps}, Sampler: ${s.sampler}, CFG scale: ${s.guidance_scale}, Seed: ${s.seed}, Size: ${s.width}x${s.height}, Model: ${s.model}`;
}

/** Inserts one iTXt chunk (UTF-8) per entry after the header. */
export function withText(png: Uint8Array, entries: Record<string, string>): Uint8Array {
  const headerEnd = 8 + 25;
  const chunks = Object.entries(entries).map(([key, text]) => chunk('iTXt', Buffer.concat([Buffer.from(key, 'latin1'), Buffer.from([0, 0, 0, 0, 0]), Buffer.from(text, 'utf8')])));
  return Buffer.concat([png.subarray(0, headerEnd), ...chunks, png.subarray(headerEnd)]);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]), out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), out.length - 4);
  return out;
}

/** The text entries of a PNG file. Compressed chunks are not read. */
export function readText(png: Uint8Array): Record<string, string> {
  const view = Buffer.from(png.buffer, png.byteOffset, png.byteLength), entries: Record<string, string> = {};
  for (let at = 8; at + 12 <= view.length;) {
    const length = view.readUInt32BE(at), type = view.toString('latin1', at + 4, at + 8), data = view.subarray(at + 8, at + 8 + length);
    const end = data.indexOf(0), key = data.toString('latin1', 0, end);
    if (type === 'tEXt') entries[key] = data.toString('latin1', end + 1);
    if (type === 'iTXt' && data[end + 1] === 0) {
      const language = data.indexOf(0, end + 3), translated = data.indexOf(0, language + 1);
      entries[key] = data.toString('utf8', translated + 1);
    }
    at += length + 12;
  }
  return entries;
}
