/** Parity of noise schedules and samplers: ᾱ, noisy latents, velocities, SNR; timesteps, sigmas and every step on a toy network. */
import { alphasCumprod, alphaSigma, SDXL_NOISE_SCHEDULE, type NoiseScheduleConfig } from '../diffusion/noiseSchedule.ts';
import { addNoise, velocity } from '../diffusion/prediction.ts';
import { createSampler, type SamplerConfig, type SamplerName } from '../diffusion/samplers/index.ts';
import { snr } from '../losses/snrWeighting.ts';
import { tf } from '../tf.ts';
import { readFixture, readJson, relativeError, type FloatTensor, type Weights } from './fixture.ts';
import { judge, TOLERANCE, type ParityResult, type ParitySection } from './section.ts';

const NAME = 'schedulers';
const schedules: Record<string, Partial<NoiseScheduleConfig>> = { sdxl: {}, zero_snr: { rescale_betas_zero_snr: true }, linear: { beta_schedule: 'linear' }, cosine: { beta_schedule: 'squaredcos_cap_v2' } };
const samplerNames: Record<string, SamplerName> = { EulerDiscreteScheduler: 'euler', EulerAncestralDiscreteScheduler: 'euler_a', DDIMScheduler: 'ddim', DPMSolverMultistepScheduler: 'dpmpp_2m', UniPCMultistepScheduler: 'unipc', LCMScheduler: 'lcm' };

const error = (actual: ArrayLike<number>, expected: FloatTensor): number => relativeError({ shape: expected.shape, data: Float32Array.from(actual) }, expected);

function* noiseSchedules(f: Weights): Generator<ParityResult> {
  const t = f.get('timesteps')!.data, column = (v: Float32Array) => tf.tensor(v, [v.length, 1, 1, 1]);
  for (const [name, over] of Object.entries(schedules)) {
    const alphas = alphasCumprod({ ...SDXL_NOISE_SCHEDULE, ...over }), { alpha, sigma } = alphaSigma(alphas, t);
    const [noisy, v] = tf.tidy(() => {
      const [x0, noise] = ['x0', 'noise'].map((k) => tf.tensor(f.get(k)!.data, f.get(k)!.shape)), a = column(alpha), s = column(sigma);
      return [addNoise(x0!, noise!, a, s).dataSync(), velocity(x0!, noise!, a, s).dataSync()];
    });
    const got = { alphas_cumprod: alphas, noisy: noisy!, velocity: v!, snr: snr(alphas, t) };
    for (const [quantity, values] of Object.entries(got)) yield judge(NAME, `${name}: ${quantity}`, error(values, f.get(`${name}.${quantity}`)!), TOLERANCE.forward);
  }
}

/** Stands for a network, as in the fixtures: 0.3x + 0.1·sin(3x + t/100). */
const toy = (x: Float32Array, t: number): Float32Array => x.map((v) => 0.3 * v + 0.1 * Math.sin(3 * v + t / 100));

interface SamplerCase { class: string; steps: number; config: SamplerConfig }

function* sampler(name: string, c: SamplerCase, f: Weights): Generator<ParityResult> {
  const known = samplerNames[c.class];
  if (!known) { yield judge(NAME, `${name}: ${c.class}`, Infinity, 0, 'this sampler is not implemented'); return; }
  const s = createSampler(known, c.config, c.steps);
  yield judge(NAME, `${name}: timesteps`, error(s.timesteps, f.get(`${name}.timesteps`)!), TOLERANCE.forward);
  const sigmas = f.get(`${name}.sigmas`);
  if (sigmas) yield judge(NAME, `${name}: sigmas`, s.sigmas ? error(s.sigmas, sigmas) : Infinity, TOLERANCE.forward);
  let x: Float32Array = f.get('xT')!.data.map((v) => v * s.initNoiseSigma), worst = 0;
  for (let i = 0; i < s.timesteps.length; i++) {
    x = s.step(toy(s.scaleInput(x, i), s.timesteps[i]!), i, x, () => { throw new Error(`${c.class} draws noise: it cannot be compared`); });
    const expected = f.get(`${name}.step_${i}`);
    worst = Math.max(worst, expected ? error(x, expected) : Infinity);
  }
  yield judge(NAME, `${name}: steps`, f.has(`${name}.step_${s.timesteps.length}`) ? Infinity : worst, TOLERANCE.forward, `largest of ${s.timesteps.length} steps`);
}

export const schedulers: ParitySection = {
  name: NAME,
  files: ['schedulers.safetensors', 'schedulers.json'],
  async *run(dir: string): AsyncGenerator<ParityResult> {
    const f = await readFixture(dir, 'schedulers');
    yield* noiseSchedules(f);
    const { samplers } = await readJson(`${dir}/schedulers.json`) as { samplers: Record<string, SamplerCase> };
    for (const [name, c] of Object.entries(samplers)) yield* sampler(name, c, f);
  },
};
