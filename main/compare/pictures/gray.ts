/** Pictures as brightness, for measures that do not look at colour. */
import sharp from 'sharp';

/** Row-major brightness 0 … 255. */
export interface Gray { width: number; height: number; data: Float64Array }

/** Rec. 709 luma of a picture file or buffer, alpha flattened on white. */
export async function readGray(file: string | Buffer): Promise<Gray> {
  const { data, info } = await sharp(file).rotate().flatten({ background: '#ffffff' }).toColourspace('srgb').removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const channels = info.channels;
  const out = new Float64Array(info.width * info.height);
  for (let i = 0; i < out.length; i++) {
    const at = i * channels;
    out[i] = channels < 3 ? data[at]! : 0.2126 * data[at]! + 0.7152 * data[at + 1]! + 0.0722 * data[at + 2]!;
  }
  return { width: info.width, height: info.height, data: out };
}
