import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadNodeBackend } from '../../main/engine/backend/nodeBinding.ts';
import { guide, rescaleGuidance } from '../../main/engine/diffusion/guidance.ts';
import { sampleLatents } from '../../main/engine/diffusion/sampleLatents.ts';
import { createSampler, type SamplerConfig, type SamplerName } from '../../main/engine/diffusion/samplers/index.ts';
import { schedulers } from '../../main/engine/parity/schedulers.ts';
import { compared, fixture, readJson, relativeError } from './math-helpers.ts';

interface Case { sampler: SamplerName; steps: number; config: SamplerConfig; timesteps: number[]; init: number; last: number[]; middle: number[]; noised: number[]; img2img?: number[] }
interface Fixture { xT: number[]; z0: number[]; noises: number[][]; cases: Record<string, Case>; guidance: { u: number[]; c: number[]; scale: number; rescale: number; guided: number[]; rescaled: number[] } }
const f = readJson<Fixture>('samplers/diffusers.json');
const floats = (values: number[]): Float32Array => Float32Array.from(values);
const toy = (x: Float32Array, t: number): Float32Array => x.map((v) => 0.3 * v + 0.1 * Math.sin(3 * v + t / 100));
beforeAll(() => { loadNodeBackend(); });

it('the fixtures\' ten samplers: timesteps, sigmas, every step', async () => {
  const results = await compared(schedulers.run(fixture('parity')));
  expect(results.filter((r) => !r.pass)).toEqual([]);
  expect(results.filter((r) => r.quantity.endsWith(': steps'))).toHaveLength(10);
});

it('a changed step fails', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'lpl-'));
  const bytes = readFileSync(join(fixture('parity'), 'schedulers.safetensors'));
  const length = Number(bytes.readBigUInt64LE(0)), header = JSON.parse(bytes.toString('utf8', 8, 8 + length));
  const at = 8 + length + header['unipc.step_3'].data_offsets[0];
  bytes.writeFloatLE(bytes.readFloatLE(at) + 0.01, at);
  writeFileSync(join(dir, 'schedulers.safetensors'), bytes);
  cpSync(join(fixture('parity'), 'schedulers.json'), join(dir, 'schedulers.json'));
  const failed = (await compared(schedulers.run(dir))).filter((r) => !r.pass).map((r) => r.quantity);
  rmSync(dir, { recursive: true });
  expect(failed).toEqual(['unipc: steps']);
});

describe.each(Object.entries(f.cases))('%s as diffusers', (_, c) => {
  it('timesteps and steps', () => {
    const s = createSampler(c.sampler, c.config, c.steps);
    expect(relativeError(s.timesteps, c.timesteps)).toBeLessThan(1e-6);
    expect(s.initNoiseSigma / c.init).toBeCloseTo(1, 5);
    let x: Float32Array = floats(f.xT).map((v) => v * s.initNoiseSigma);
    for (let i = 0; i < s.timesteps.length; i++) {
      x = s.step(toy(s.scaleInput(x, i), s.timesteps[i]!), i, x, () => floats(f.noises[i]!));
      if (i === Math.floor(s.timesteps.length / 2)) expect(relativeError(x, c.middle)).toBeLessThan(2e-5);
    }
    expect(relativeError(x, c.last)).toBeLessThan(2e-5);
  });

  it('from a noised latent', async () => {
    const sampler = createSampler(c.sampler, c.config, c.steps), n = sampler.timesteps.length, first = Math.floor(c.steps / 2);
    expect(relativeError(sampler.addNoise(floats(f.z0), floats(f.noises[20]!), first), c.noised)).toBeLessThan(1e-5);
    if (!c.img2img) return;
    const x = await sampleLatents(async (v, t) => ({ conditional: toy(v, t) }), {
      sampler, samples: 1, noise: floats(f.noises[20]!), guidanceScale: 1, stepNoise: (i) => floats(f.noises[i]!), from: { latents: floats(f.z0), strength: (n - first) / n },
    });
    expect(relativeError(x, c.img2img)).toBeLessThan(2e-5);
  });
});

describe('guidance', () => {
  const { u, c, scale, rescale, guided, rescaled } = f.guidance;
  it('as diffusers, rescaled too', () => {
    const g = guide(floats(u), floats(c), scale);
    expect(relativeError(g, guided)).toBeLessThan(1e-6);
    expect(relativeError(rescaleGuidance(g, floats(c), 2, rescale), rescaled)).toBeLessThan(1e-5);
  });
});

describe('the sampling loop', () => {
  const options = () => ({ sampler: createSampler('euler', f.cases['euler_sample']!.config, 4), samples: 1, noise: floats(f.xT), guidanceScale: 1, stepNoise: () => floats(f.xT) });
  it('strength 0 changes nothing', async () => {
    const x = await sampleLatents(() => Promise.reject(new Error('not called')), { ...options(), from: { latents: floats(f.z0), strength: 0 } });
    expect(x).toEqual(floats(f.z0));
  });
  it('stops when aborted, and counts its steps', async () => {
    const abort = new AbortController(), seen: [number, number][] = [];
    const run = sampleLatents(async (x) => ({ conditional: x }), { ...options(), signal: abort.signal, onStep: (done, total) => { seen.push([done, total]); if (done === 2) abort.abort(); } });
    await expect(run).rejects.toThrow(/abort/i);
    expect(seen).toEqual([[1, 4], [2, 4]]);
  });
  it('says what an LCM sampler cannot do', () => {
    expect(() => createSampler('lcm', f.cases['lcm_4']!.config, 51)).toThrow(/at most 50 steps/);
  });
});
