/** Sharpness as the variance of the Laplacian (Pech-Pacheco et al. 2000). Higher is sharper; noise counts as sharp too. */
import type { Gray } from './gray.ts';

export function sharpness({ width, height, data }: Gray): number {
  let n = 0, sum = 0, squares = 0;
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const i = y * width + x;
      const laplacian = data[i - 1]! + data[i + 1]! + data[i - width]! + data[i + width]! - 4 * data[i]!;
      n++;
      sum += laplacian;
      squares += laplacian * laplacian;
    }
  }
  return n ? squares / n - (sum / n) ** 2 : 0;
}
