/** Parity of noise schedules and samplers: ᾱ, noisy latents, velocities, SNR; timesteps, sigmas and every step on a toy network. */
import { alphasCumprod, alphaSigma, SDXL_NOISE_SCHEDULE, type NoiseScheduleConfig } from '../diffusion/noiseSchedule.ts';
import { addNoise, velocity } from '../diffusion/prediction.ts';
import { createSampler, type Sampler, type SamplerConfig, type SamplerName } from '../diffusion/samplers/index.ts';
import { snr } from '../losses/snrWeighting.ts';
import { tf } from '../tf.ts';
import { readFixture, readJson, relativeError, type FloatTensor, type Weights } from './fixture.ts';
import { absentPart, judge, lacking, TOLERANCE, type ParityFinding, type ParitySection } from './section.ts';

const NAME = 'schedulers';
const schedules: Record<string, Partial<NoiseScheduleConfig>> = { sdxl: {}, zero_snr: { rescale_betas_zero_snr: true }, linear: { beta_schedule: 'linear' }, cosine: { beta_schedule: 'squaredcos_cap_v2' } };
const samplerNames: Record<string, SamplerName> = { EulerDiscreteScheduler: 'euler', EulerAncestralDiscreteScheduler: 'euler_a', DDIMScheduler: 'ddim', DPMSolverMultistepScheduler: 'dpmpp_2m', UniPCMultistepScheduler: 'unipc', LCMScheduler: 'lcm' };

const error = (actual: ArrayLike<number>, expected: FloatTensor): number => relativeError({ shape: expected.shape, data: Float32Array.from(actual) }, expected);

/** What each quantity of a noise schedule is computed from. */
const NEEDS = { alphas_cumprod: [], noisy: ['x0', 'noise', 'timesteps'], velocity: ['x0', 'noise', 'timesteps'], snr: ['timesteps'] } as const;
type Quantity = keyof typeof NEEDS;

function computed(quantity: Quantity, alphas: Float32Array, f: Weights): ArrayLike<number> {
  if (quantity === 'alphas_cumprod') return alphas;
  const t = f.get('timesteps')!.data;
  if (quantity === 'snr') return snr(alphas, t);
  const { alpha, sigma } = alphaSigma(alphas, t), column = (v: Float32Array) => tf.tensor(v, [v.length, 1, 1, 1]);
  return tf.tidy(() => {
    const [x0, noise] = ['x0', 'noise'].map((k) => tf.tensor(f.get(k)!.data, f.get(k)!.shape));
    return (quantity === 'noisy' ? addNoise : velocity)(x0!, noise!, column(alpha), column(sigma)).dataSync();
  });
}

function* noiseSchedules(f: Weights): Generator<ParityFinding> {
  for (const [name, over] of Object.entries(schedules)) {
    const alphas = alphasCumprod({ ...SDXL_NOISE_SCHEDULE, ...over });
    for (const quantity of Object.keys(NEEDS) as Quantity[]) {
      const key = `${name}.${quantity}`, missing = lacking(f, [key, ...NEEDS[quantity]]);
      yield missing.length ? absentPart(NAME, `${name}: ${quantity}`, missing) : judge(NAME, `${name}: ${quantity}`, error(computed(quantity, alphas, f), f.get(key)!), TOLERANCE.forward);
    }
  }
}

/** Stands for a network, as in the fixtures: 0.3x + 0.1·sin(3x + t/100). */
const toy = (x: Float32Array, t: number): Float32Array => x.map((v) => 0.3 * v + 0.1 * Math.sin(3 * v + t / 100));

/** The samplers that the fixtures run. */
const SAMPLERS = ['euler', 'euler_karras', 'euler_trailing', 'euler_linspace', 'ddim', 'ddim_trailing_zsnr_v', 'dpmpp_2m', 'dpmpp_2m_karras', 'unipc', 'euler_v'];
interface SamplerCase { class: string; steps: number; config: SamplerConfig }

/** The sampler's steps on the toy network: the largest error, and which of them the fixture lacks. */
function* compareSteps(name: string, c: SamplerCase, s: Sampler, f: Weights): Generator<ParityFinding> {
  const steps = Array.from({ length: s.timesteps.length }, (_, i) => `${name}.step_${i}`), missing = lacking(f, ['xT', ...steps]);
  if (missing.length) yield absentPart(NAME, `${name}: steps`, missing);
  if (!f.has('xT') || missing.length === steps.length) return;
  let x: Float32Array = f.get('xT')!.data.map((v) => v * s.initNoiseSigma), worst = 0;
  for (const [i, step] of steps.entries()) {
    x = s.step(toy(s.scaleInput(x, i), s.timesteps[i]!), i, x, () => { throw new Error(`${c.class} draws noise: it cannot be compared`); });
    const expected = f.get(step);
    if (expected) worst = Math.max(worst, error(x, expected));
  }
  yield judge(NAME, `${name}: steps`, f.has(`${name}.step_${steps.length}`) ? Infinity : worst, TOLERANCE.forward, `largest of ${steps.length} steps`);
}

function* sampler(name: string, c: SamplerCase, f: Weights): Generator<ParityFinding> {
  const missing = ['class', 'steps', 'config'].filter((key) => !Object.hasOwn(c, key));
  if (missing.length) { yield absentPart(NAME, name, missing); return; }
  const known = samplerNames[c.class];
  if (!known) { yield judge(NAME, `${name}: ${c.class}`, Infinity, 0, 'this sampler is not implemented'); return; }
  const s = createSampler(known, c.config, c.steps);
  for (const [quantity, values] of [['timesteps', s.timesteps], ['sigmas', s.sigmas]] as const) {
    const expected = f.get(`${name}.${quantity}`);
    if (expected) yield judge(NAME, `${name}: ${quantity}`, values ? error(values, expected) : Infinity, TOLERANCE.forward);
    else if (values) yield absentPart(NAME, `${name}: ${quantity}`, [`${name}.${quantity}`]);
  }
  yield* compareSteps(name, c, s, f);
}

export const schedulers: ParitySection = {
  name: NAME,
  files: ['schedulers.safetensors', 'schedulers.json'],
  async *run(dir: string): AsyncGenerator<ParityFinding> {
    const f = await readFixture(dir, 'schedulers');
    yield* noiseSchedules(f);
    const { samplers = {} } = await readJson(`${dir}/schedulers.json`) as { samplers?: Record<string, SamplerCase> };
    for (const name of SAMPLERS.filter((n) => !Object.hasOwn(samplers, n))) yield absentPart(NAME, name, [`samplers.${name}`]);
    for (const [name, c] of Object.entries(samplers)) yield* sampler(name, c, f);
  },
};
