/** What the model tests share: fixtures on eager TensorFlow. */
import { expect } from 'vitest';
import { loadNodeBackend } from '../../main/engine/backend/nodeBinding.ts';
import { relativeError, type FloatTensor, type Weights } from '../../main/engine/parity/fixture.ts';
import type { ParityFinding } from '../../main/engine/parity/section.ts';
import type { Tensor } from '../../main/engine/tf.ts';
import { compared } from './math-helpers.ts';

export { contextOf, tensorOf } from '../../main/engine/parity/context.ts';

loadNodeBackend();

export const PARITY = process.env['LPL_PARITY_FIXTURES'] ?? new URL('../fixtures/parity', import.meta.url).pathname;
export const VARIANTS = new URL('../fixtures/unet-variants', import.meta.url).pathname;

/** Relative error of a tensor against a fixture; disposes nothing. */
export const errorOf = (actual: Tensor, expected: FloatTensor): number =>
  relativeError({ shape: actual.shape, data: actual.dataSync() as Float32Array }, expected);

export const shapesOf = (weights: Weights): Record<string, number[]> => Object.fromEntries([...weights].map(([n, w]) => [n, w.shape]));

/** Every result passes, and there are `count` of them. */
export async function expectAllPass(findings: AsyncGenerator<ParityFinding>, count: number): Promise<void> {
  const all = await compared(findings);
  expect(all.filter((r) => !r.pass)).toEqual([]);
  expect(all).toHaveLength(count);
}
