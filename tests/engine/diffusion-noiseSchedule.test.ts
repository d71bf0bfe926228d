import { beforeAll, describe, expect, it } from 'vitest';
import { loadNodeBackend } from '../../main/engine/backend/nodeBinding.ts';
import { alphasCumprod, alphaSigma, SDXL_NOISE_SCHEDULE, type NoiseScheduleConfig } from '../../main/engine/diffusion/noiseSchedule.ts';
import { addNoise, predictedLatent, predictionTarget, velocity, type PredictionType } from '../../main/engine/diffusion/prediction.ts';
import { minSnrWeight, snr } from '../../main/engine/losses/snrWeighting.ts';
import { readFixture, type Weights } from '../../main/engine/parity/fixture.ts';
import { tf } from '../../main/engine/tf.ts';
import { fixture, relativeError } from './math-helpers.ts';

const schedules: Record<string, Partial<NoiseScheduleConfig>> = { sdxl: {}, zero_snr: { rescale_betas_zero_snr: true }, linear: { beta_schedule: 'linear' }, cosine: { beta_schedule: 'squaredcos_cap_v2' } };
let f: Weights;
beforeAll(async () => { loadNodeBackend(); f = await readFixture(fixture('parity'), 'schedulers'); });

const at = (values: Float32Array): tf.Tensor => tf.tensor(values, [values.length, 1, 1, 1]);

describe.each(Object.entries(schedules))('%s', (name, over) => {
  const alphas = alphasCumprod({ ...SDXL_NOISE_SCHEDULE, ...over });
  it('ᾱ as diffusers', () => expect(relativeError(alphas, f.get(`${name}.alphas_cumprod`)!.data)).toBeLessThan(1e-6));
  it('signal-to-noise ratios as diffusers', () => expect(relativeError(snr(alphas, f.get('timesteps')!.data), f.get(`${name}.snr`)!.data)).toBeLessThan(1e-5));
  it('noisy latents and velocities as diffusers', () => {
    const { alpha, sigma } = alphaSigma(alphas, f.get('timesteps')!.data);
    const [z0, noise] = ['x0', 'noise'].map((k) => tf.tensor(f.get(k)!.data, f.get(k)!.shape));
    expect(relativeError(addNoise(z0!, noise!, at(alpha), at(sigma)).dataSync(), f.get(`${name}.noisy`)!.data)).toBeLessThan(1e-6);
    expect(relativeError(velocity(z0!, noise!, at(alpha), at(sigma)).dataSync(), f.get(`${name}.velocity`)!.data)).toBeLessThan(1e-6);
  });
  it.each(['epsilon', 'v_prediction', 'sample'] as PredictionType[])('a perfect %s output gives back the clean latent', (type) => {
    const { alpha, sigma } = alphaSigma(alphas, [1, 100, 400, 600]);
    const z0 = tf.randomNormal([4, 2, 2, 4], 0, 1, 'float32', 1), noise = tf.randomNormal([4, 2, 2, 4], 0, 1, 'float32', 2);
    const zt = addNoise(z0, noise, at(alpha), at(sigma));
    const back = predictedLatent(type, zt, predictionTarget(type, z0, noise, at(alpha), at(sigma)), at(alpha), at(sigma));
    expect(relativeError(back.dataSync(), z0.dataSync())).toBeLessThan(1e-4);
  });
});

it('a zero-terminal schedule ends in pure noise, and its ε weight there is finite', () => {
  const alphas = alphasCumprod({ ...SDXL_NOISE_SCHEDULE, rescale_betas_zero_snr: true });
  expect(alphas.at(-1)).toBe(0);
  expect(minSnrWeight(snr(alphas, [999])[0]!, 5, 'epsilon')).toBe(1);
});

it('min-SNR weights by their formulas', () => {
  for (const s of [0.3, 4.9, 5.1, 800]) {
    expect(minSnrWeight(s, 5, 'epsilon')).toBeCloseTo(Math.min(s, 5) / s, 12);
    expect(minSnrWeight(s, 5, 'v_prediction')).toBeCloseTo(Math.min(s, 5) / (s + 1), 12);
    expect(minSnrWeight(s, 5, 'sample')).toBe(Math.min(s, 5));
  }
});

it('refuses timesteps and schedules that do not exist', () => {
  expect(() => alphaSigma(alphasCumprod(SDXL_NOISE_SCHEDULE), [1000])).toThrow(RangeError);
  expect(() => alphasCumprod({ ...SDXL_NOISE_SCHEDULE, beta_schedule: 'sigmoid' as never })).toThrow(/noise schedule/);
});
