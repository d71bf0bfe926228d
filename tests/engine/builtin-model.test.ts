import { describe, expect, it } from 'vitest';
import { tf } from '../../main/engine/tf.ts';
import { initWeights } from '../../main/engine/models/init.ts';
import { vaeWeightShapes } from '../../main/engine/models/vae.ts';
import { normal } from '../../main/engine/random.ts';
import { nearest } from '../../scripts/builtin-model/neighbours.ts';
import { foldPostQuant, vae } from '../../scripts/builtin-model/vae.ts';
import { createExecutor } from '../../main/engine/backend/select.ts';

describe('the built-in model\'s making', () => {
  it('folds post_quant_conv into the decoder\'s first convolution: the same but at the border', async () => {
    (await createExecutor({ backend: 'cpu' })).dispose();
    const shapes = vaeWeightShapes(vae), weights = initWeights(shapes, 3), folded = foldPostQuant(weights);
    const z = tf.tensor4d(normal({ seed: 1, stream: 'test' }, 8 * 8 * 4), [1, 8, 8, 4]);
    const conv = (w: Map<string, Float32Array>, name: string, x: tf.Tensor) =>
      tf.add(tf.conv2d(x as tf.Tensor4D, tf.tensor4d(w.get(`${name}.weight`)!, shapes[`${name}.weight`] as [number, number, number, number]), 1, 'same'), tf.tensor1d(w.get(`${name}.bias`)!));
    const before = conv(weights, 'decoder.conv_in', conv(weights, 'post_quant_conv', z)), after = conv(folded, 'decoder.conv_in', z);
    const inner = (t: tf.Tensor) => tf.slice(t as tf.Tensor4D, [0, 1, 1, 0], [1, 6, 6, 96]);
    expect(tf.max(tf.abs(tf.sub(inner(before), inner(after)))).dataSync()[0]).toBeLessThan(1e-5);
    expect(conv(folded, 'post_quant_conv', z).dataSync()).toEqual(z.dataSync());
  });

  it('finds a mirrored and moved copy, and calls another picture none', () => {
    const size = 64, of = (seed: number) => Uint8Array.from(normal({ seed, stream: 'test' }, size * size * 3), (v) => Math.max(0, Math.min(255, 128 + 60 * v)));
    const training = [1, 2, 3].map((seed) => ({ rgb: of(seed), caption: `picture ${seed}` })) as never;
    const copy = new Uint8Array(size * size * 3).fill(255), kept = of(2);
    for (let y = 0; y < size; y++) for (let x = 0; x < size - 1; x++) for (let c = 0; c < 3; c++) copy[(y * size + x) * 3 + c] = kept[(y * size + (size - 1 - x)) * 3 + c]!;
    expect(nearest('p', copy, training)).toMatchObject({ nearest: 'picture 2', copy: true });
    expect(nearest('p', of(9), training).copy).toBe(false);
  });
});
