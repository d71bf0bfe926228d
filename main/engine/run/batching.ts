/** How many pictures are computed at once where there is a choice: drawing, validation, evaluation. */
import type { BaseModel } from './baseModel.ts';
import { latentShape } from './specs.ts';

/** Latent positions of one 512 px picture: from there on a picture keeps the machine busy by itself, and memory counts. */
const ENOUGH = 64 * 64;

/** Small pictures go together, large ones alone: at most `most` pictures of this size, px. */
export function pictureBatch(base: BaseModel, width: number, height: number, most: number): number {
  const [, h, w] = latentShape(base, 1, width, height) as [number, number, number, number];
  return Math.max(1, Math.min(most, Math.floor(ENOUGH / (h * w)), 16));
}

/** In order, `size` at a time; the last may be shorter. */
export const chunked = <T>(items: readonly T[], size: number): T[][] => Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));

/** `items` made `size` long by repeating the last one: step functions have fixed shapes. What is added is to be thrown away. */
export const filled = <T>(items: readonly T[], size: number): T[] => Array.from({ length: size }, (_, i) => items[Math.min(i, items.length - 1)]!);
