/**
 * Trains a set of weights from scratch: AdamW under a warm-up and cosine schedule, gradients clipped, an exponential
 * moving average kept, checkpoints from which a killed training goes on, one line of log every few steps.
 */
import { appendFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { tf, type Tensor, type TensorMap } from '../../main/engine/tf.ts';
import type { Executor, HostTensor, InputSpec, State, StepFunction } from '../../main/engine/backend/executor.ts';
import { SafetensorsFile } from '../../main/engine/checkpoint/safetensors.ts';
import { writeSafetensors } from '../../main/engine/checkpoint/writeSafetensors.ts';
import type { WeightShapes } from '../../main/engine/models/weightShapes.ts';

export interface Pretraining {
  name: string;
  /** where log, checkpoint and curves go */
  dir: string;
  steps: number;
  learningRate: number;
  warmup: number;
  weightDecay: number;
  emaDecay: number;
  maxGradNorm: number;
  shapes: WeightShapes;
  /** weights that the loss does not reach: kept as they are */
  unused?(name: string): boolean;
  initial(): Map<string, Float32Array>;
  inputs: Record<string, InputSpec>;
  /** Scalar loss and further scalars to log. `w` gives a weight by name. */
  loss(inputs: TensorMap, w: (name: string) => Tensor): { loss: Tensor; metrics: TensorMap };
  batch(step: number): Record<string, HostTensor>;
  checkpointEvery: number;
  /** called with the averaged weights at checkpoints and at the end */
  evaluate?(step: number, ema: (name: string) => Float32Array): Promise<Record<string, number>>;
}

const [beta1, beta2, epsilon] = [0.9, 0.99, 1e-8];
const scalar = (v: number): HostTensor => ({ shape: [], data: Float32Array.of(v) });

/** AdamW's step for all weights (Loshchilov & Hutter 2019), gradients first scaled to the norm `clip`; and the EMA. */
function stepFunction(p: Pretraining, names: string[]): StepFunction {
  return (inputs, state: State) => {
    const start = names.map((n) => state.get(`w/${n}`));
    let metrics: TensorMap = {};
    const { value, grads } = tf.valueAndGrads((...ws: Tensor[]) => {
      const at = new Map(names.map((n, i) => [n, ws[i]!]));
      const out = p.loss(inputs, (n) => at.get(n) ?? state.get(`w/${n}`));
      metrics = out.metrics;
      return out.loss as tf.Scalar;
    })(start);
    const norm = tf.sqrt(tf.addN(grads.map((g) => tf.sum(tf.square(g)))));
    const scale = tf.minimum(tf.div(p.maxGradNorm, tf.add(norm, 1e-6)), 1);
    const updates: TensorMap = {};
    names.forEach((n, i) => {
      const g = tf.mul(grads[i]!, scale);
      const m = tf.add(tf.mul(state.get(`m/${n}`), beta1), tf.mul(g, 1 - beta1));
      const v = tf.add(tf.mul(state.get(`v/${n}`), beta2), tf.mul(tf.square(g), 1 - beta2));
      const direction = tf.div(tf.mul(m, inputs['c1']!), tf.add(tf.sqrt(tf.mul(v, inputs['c2']!)), epsilon));
      const decay = n.endsWith('.weight') && start[i]!.rank > 1 ? p.weightDecay : 0;
      const w = tf.sub(start[i]!, tf.mul(tf.add(direction, tf.mul(start[i]!, decay)), inputs['lr']!));
      const ema = tf.add(tf.mul(state.get(`e/${n}`), inputs['ema']!), tf.mul(w, tf.sub(1, inputs['ema']!)));
      Object.assign(updates, { [`w/${n}`]: w, [`m/${n}`]: m, [`v/${n}`]: v, [`e/${n}`]: ema });
    });
    return { outputs: { loss: value, grad_norm: norm, ...metrics }, updates };
  };
}

/** Linear warm-up, then half a cosine down to 2 % of the rate. */
function rateAt(p: Pretraining, step: number): number {
  if (step < p.warmup) return (p.learningRate * (step + 1)) / p.warmup;
  const x = (step - p.warmup) / Math.max(1, p.steps - p.warmup);
  return p.learningRate * (0.02 + 0.98 * 0.5 * (1 + Math.cos(Math.PI * x)));
}

async function save(p: Pretraining, executor: Executor, step: number): Promise<void> {
  await writeSafetensors(join(p.dir, 'state.safetensors'), [...executor.variables()].map(([name, { shape }]) => ({
    name, shape, dtype: 'F32' as const, bytes: () => { const d = executor.read(name); return new Uint8Array(d.buffer, d.byteOffset, d.byteLength); },
  })), { step: String(step) });
}

async function declare(p: Pretraining, executor: Executor, names: string[]): Promise<number> {
  const path = join(p.dir, 'state.safetensors');
  const saved = existsSync(path) ? await SafetensorsFile.open(path) : undefined;
  const initial = saved ? undefined : p.initial();
  for (const n of names) {
    for (const kind of ['w', 'e', 'm', 'v']) {
      const value = saved ? await saved.readFloat(`${kind}/${n}`) : kind === 'w' || kind === 'e' ? initial!.get(n)! : ('zeros' as const);
      executor.declare(`${kind}/${n}`, { shape: p.shapes[n]! }, value);
    }
  }
  const step = Number(saved?.metadata['step'] ?? 0);
  await saved?.close();
  return step;
}

/** Trains to the end, going on from the last checkpoint in `dir`; returns the averaged weights. Stops before the update when the loss is not finite. */
export async function pretrain(p: Pretraining, executor: Executor): Promise<Record<string, Float32Array>> {
  mkdirSync(p.dir, { recursive: true });
  const names = Object.keys(p.shapes);
  let step = await declare(p, executor, names);
  const log = (line: object): void => { appendFileSync(join(p.dir, 'log.jsonl'), `${JSON.stringify(line)}\n`); console.log(`${p.name} ${JSON.stringify(line)}`); };
  const inputs: Record<string, InputSpec> = { ...p.inputs };
  for (const n of ['lr', 'c1', 'c2', 'ema']) inputs[n] = { shape: [], dtype: 'float32' };
  executor.define(p.name, inputs, stepFunction(p, names.filter((n) => !p.unused?.(n))));
  const ema = (n: string): Float32Array => executor.read(`e/${n}`);
  let since = Date.now(), sums: Record<string, number> = {}, count = 0;
  for (; step < p.steps; step++) {
    const lr = rateAt(p, step);
    const out = await executor.run(p.name, {
      ...p.batch(step), lr: scalar(lr), c1: scalar(1 / (1 - beta1 ** (step + 1))), c2: scalar(1 / (1 - beta2 ** (step + 1))),
      ema: scalar(Math.min(p.emaDecay, (step + 1) / (step + 10))),
    });
    for (const [k, v] of Object.entries(out)) sums[k] = (sums[k] ?? 0) + v.data[0]!;
    count++;
    if (!Number.isFinite(out['loss']!.data[0])) throw new Error(`${p.name}: the loss is not finite at step ${step}; the last checkpoint in ${p.dir} is good`);
    if ((step + 1) % 25 === 0 || step === 0) {
      log({ step: step + 1, ...Object.fromEntries(Object.entries(sums).map(([k, v]) => [k, Number((v / count).toPrecision(5))])), lr: Number(lr.toPrecision(4)), s_per_step: (Date.now() - since) / 1000 / count });
      [since, sums, count] = [Date.now(), {}, 0];
    }
    if ((step + 1) % p.checkpointEvery === 0 || step + 1 === p.steps) {
      await save(p, executor, step + 1);
      if (p.evaluate) log({ step: step + 1, ...(await p.evaluate(step + 1, ema)) });
      since = Date.now();
    }
  }
  return Object.fromEntries(names.map((n) => [n, ema(n)]));
}
