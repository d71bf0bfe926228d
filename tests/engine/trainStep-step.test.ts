import { afterEach, describe, expect, it } from 'vitest';
import type { Executor } from '../../main/engine/backend/executor.ts';
import { createExecutor } from '../../main/engine/backend/select.ts';
import { lplTargetNames } from '../../main/engine/losses/latentPerceptualLoss.ts';
import { updateInputs, type StepOptions } from '../../main/engine/step/stepOptions.ts';
import { tf } from '../../main/engine/tf.ts';
import { accumulateStep, applyStep, targetsInput, targetsStep, trainStep } from '../../main/engine/trainStep.ts';
import { relativeError } from './math-helpers.ts';
import { allSpecs, declareToy, lossBatch, lossSpecs, networks, options, snapshot, trained, updateNumbers } from './trainStep-toy.ts';

const open: Executor[] = [];
afterEach(() => open.splice(0).forEach((e) => e.dispose()));

async function start(o: StepOptions, backend: 'tensorflow' | 'tensorflow-eager'): Promise<Executor> {
  const e = await createExecutor({ backend });
  open.push(e);
  declareToy(e, o);
  return e;
}
const ALL = [0, 1, 2, 3], BELOW = [0, 2];

/** `steps` optimizer steps on four samples with `chosen` in LPL; the variables afterwards and what the last step reported. */
async function trainToy(o: StepOptions, backend: 'tensorflow' | 'tensorflow-eager', chosen: number[], steps = 3) {
  const e = await start(o, backend);
  e.define('train', allSpecs(o, 4, chosen.length), trainStep(networks, o, chosen.length));
  let out: Awaited<ReturnType<Executor['run']>> = {};
  for (let s = 0; s < steps; s++) out = await e.run('train', { ...lossBatch(s, ALL, chosen), ...updateNumbers(o, s) });
  return { e, out, after: snapshot(e) };
}

it('baseline and LPL without a sample below the threshold are the same step, bit for bit', async () => {
  const { lpl: _, ...plain } = options();
  const baseline = await trainToy(plain, 'tensorflow', []), lpl = await trainToy(options(), 'tensorflow', []);
  expect(lpl.out).toEqual(baseline.out);
  expect(lpl.after).toEqual(baseline.after);
  const trainedWithLpl = await trainToy(options(), 'tensorflow', BELOW);
  expect(trainedWithLpl.after['first']).not.toEqual(baseline.after['first']);
});

it('eager and compiled give the same losses, weights, optimizer state and EMA', async () => {
  const eager = await trainToy(options(), 'tensorflow-eager', BELOW), compiled = await trainToy(options(), 'tensorflow', BELOW);
  for (const [name, t] of Object.entries(eager.out)) expect(relativeError(compiled.out[name]!.data, t.data), name).toBeLessThan(1e-5);
  for (const [name, values] of Object.entries(eager.after)) expect(relativeError(compiled.after[name]!, values), name).toBeLessThan(1e-4);
  expect(eager.out['finite']!.data[0]).toBe(1);
  expect(eager.out['loss']!.data[0]).toBeCloseTo(eager.out['diffusion_loss']!.data[0]! + 1.5 * eager.out['lpl_loss']!.data[0]!, 5);
});

it('a variable that the loss does not depend on stays as it is', async () => {
  const one = await trainToy(options(), 'tensorflow-eager', [], 1), three = await trainToy(options(), 'tensorflow-eager', [], 3);
  expect(three.after['unused']).toEqual(one.after['unused']);
  expect(three.after['first']).not.toEqual(one.after['first']);
});

describe.each(['tensorflow', 'tensorflow-eager'] as const)('on %s', (backend) => {
  it('a batch that is not finite changes nothing, and says which sample', async () => {
    const o = options(), e = await start(o, backend);
    e.define('train', allSpecs(o, 4, 2), trainStep(networks, o, 2));
    await e.run('train', { ...lossBatch(0, ALL, BELOW), ...updateNumbers(o, 0) });
    const before = snapshot(e), bad = lossBatch(1, ALL, BELOW);
    bad['latents']!.data[256 + 3] = NaN;
    const out = await e.run('train', { ...bad, ...updateNumbers(o, 1) });
    expect(out['finite']!.data[0]).toBe(0);
    expect(Array.from(out['sample_errors']!.data).map(Number.isFinite)).toEqual([true, false, true, true]);
    expect(snapshot(e)).toEqual(before);
    expect((await e.run('train', { ...lossBatch(1, ALL, BELOW), ...updateNumbers(o, 1) }))['finite']!.data[0]).toBe(1);
    expect(snapshot(e)['first']).not.toEqual(before['first']);
  });

  it('two accumulated halves are one whole batch', async () => {
    const whole = await trainToy(options({ maxGradNorm: 0.5 }), backend, BELOW, 1);
    const o = options({ accumulation: 2, maxGradNorm: 0.5 }), e = await start(o, backend);
    e.define('half', lossSpecs(2, 1), accumulateStep(networks, o, 1));
    e.define('apply', updateInputs(o), applyStep(o));
    await e.run('half', lossBatch(0, [0, 1], [0]));
    await e.run('half', lossBatch(0, [2, 3], [0]));
    const { grad_norm: norm } = await e.run('apply', updateNumbers(o, 0));
    expect(norm!.data[0]! / whole.out['grad_norm']!.data[0]!).toBeCloseTo(1, 5);
    const after = snapshot(e);
    for (const [name, values] of Object.entries(whole.after)) expect(relativeError(after[name]!, values), name).toBeLessThan(1e-4);
    for (const name of trained) expect(after[`accumulated.${name}`]!.every((v) => v === 0), name).toBe(true);
  });

  it('targets fed from a cache do what targets computed in the step do', async () => {
    const computed = await trainToy(options(), backend, BELOW, 1);
    const o = options({ lpl: { ...options().lpl!, targets: 'fed' } }), e = await start(o, backend), batch = lossBatch(0, ALL, BELOW);
    e.define('targets', targetsInput(2, 8, 8, 4), targetsStep(networks, o.lpl!.options));
    const chosenLatents = Float32Array.from([...batch['latents']!.data.subarray(0, 256), ...batch['latents']!.data.subarray(512, 768)]);
    const targets = await e.run('targets', { latents: { shape: [2, 8, 8, 4], data: chosenLatents } });
    expect(Object.keys(targets)).toEqual(lplTargetNames(o.lpl!.options));
    e.define('train', allSpecs(o, 4, 2, Object.fromEntries(Object.entries(targets).map(([n, { shape }]) => [n, { shape, dtype: 'float32' as const }]))), trainStep(networks, o, 2));
    const fed = Object.fromEntries(Object.entries(targets).map(([n, t]) => [`lpl_${n}`, t]));
    const out = await e.run('train', { ...batch, ...fed, ...updateNumbers(o, 0) });
    expect(relativeError(out['lpl_layers']!.data, computed.out['lpl_layers']!.data)).toBeLessThan(1e-6);
    expect(relativeError(snapshot(e)['first']!, computed.after['first']!)).toBeLessThan(1e-5);
  });

  it('tensors stay flat over steps', async () => {
    const o = options(), e = await start(o, backend);
    e.define('train', allSpecs(o, 4, 2), trainStep(networks, o, 2));
    const run = () => e.run('train', { ...lossBatch(0, ALL, BELOW), ...updateNumbers(o, 0) });
    await run();
    const before = tf.memory().numTensors;
    for (let i = 0; i < 5; i++) await run();
    expect(tf.memory().numTensors).toBe(before);
  });
});

