/** Where a compiled step's time goes: by part, by operation, and how near it is to what the machine's arithmetic allows. */
import { availableParallelism } from 'node:os';
import type { Executor } from '../backend/executor.ts';
import { GraphExecutor } from '../backend/graph/graphExecutor.ts';
import { Body } from '../backend/graph/node.ts';
import { DT, loadNodeBackend, type NativeBinding } from '../backend/nodeBinding.ts';
import { plainOp } from '../backend/oneDnn.ts';
import { nodeKinds, flopsOf, type NodeKind, type Part } from './graphCosts.ts';
import { timeNode } from '../backend/opTimer.ts';

export interface OpShare { op: string; part: Part; count: number; milliseconds: number; gflops_per_second: number | null }
export interface Profile {
  /** the step as measured, ms */
  step_ms: number;
  /** each operation timed alone, summed by part; what is left is fused loops, memory and overhead, less what ran in parallel */
  parts: Record<Part, number>;
  rest_ms: number;
  ops: OpShare[];
  /** arithmetic of convolutions and products, GFLOP, and the speed of `cores` at both, GFLOP/s */
  gflop: number;
  machine: { convolution: number; product: number; cores: number };
  /** the time that the arithmetic takes at the machine's speed, as a share of the step's time */
  share_of_machine: number;
}

/** GFLOP/s of one large convolution and one large matrix product: on all cores, or on one times their number where an operation has one core. */
function machineSpeed(binding: NativeBinding): Profile['machine'] {
  const body = new Body('m/'), float = { T: { type: DT.float } };
  const input = (shape: number[]): ReturnType<Body['ints']> => ({ body, index: 0, dtype: DT.float, shape });
  const conv = { strides: { ints: [1, 1, 1, 1] }, padding: { string: 'SAME' }, data_format: { string: 'NHWC' }, dilations: { ints: [1, 1, 1, 1] }, use_cudnn_on_gpu: { bool: true } };
  body.add('Conv2D', [input([1, 64, 64, 320]), input([3, 3, 320, 320])], { ...float, ...conv }, []);
  body.add('MatMul', [input([1024, 1024]), input([1024, 1024])], { ...float, transpose_a: { bool: false }, transpose_b: { bool: false } }, []);
  const cores = availableParallelism(), atOnce = process.env['TF_NUM_INTRAOP_THREADS'] === '1' ? cores : 1;
  const [convolution, product] = body.nodes.map((n) => (atOnce * flopsOf(n)) / timeNode(binding, n, 1, 6)! / 1e9) as [number, number];
  return { convolution, product, cores };
}

const isConvolution = (op: string): boolean => plainOp(op).startsWith('Conv2D');

/** Profiles the step "train" of a compiled executor, which took `seconds`. Undefined for an eager one. */
export function profileStep(executor: Executor, seconds: number): Profile | undefined {
  if (!(executor instanceof GraphExecutor)) return undefined;
  const { binding } = loadNodeBackend(), { body, fetches, done } = executor.tracedStep('train');
  const named = (name: string): string[] => (fetches[name] ? [fetches[name]] : []);
  const kinds = nodeKinds(body, [['unet forward', named('diffusion_loss')], ['lpl forward', named('lpl_loss')], ['gradients', named('grad_norm')], ['update', done ? [done] : []]]);
  const timed = kinds.flatMap((k) => { const s = timeNode(binding, k.node, outputsOf(k)); return s === undefined ? [] : [{ ...k, ms: s * k.count * 1000 }]; });
  const parts: Record<Part, number> = { 'unet forward': 0, 'lpl forward': 0, gradients: 0, update: 0 };
  for (const k of timed) parts[k.part] += k.ms;
  const machine = machineSpeed(binding);
  const ideal = kinds.reduce((sum, k) => sum + (k.flops * k.count) / 1e9 / (isConvolution(k.node.op) ? machine.convolution : machine.product), 0);
  return {
    step_ms: seconds * 1000, parts, rest_ms: seconds * 1000 - Object.values(parts).reduce((a, b) => a + b, 0), ops: byOperation(timed),
    gflop: kinds.reduce((sum, k) => sum + k.flops * k.count, 0) / 1e9, machine, share_of_machine: ideal / seconds,
  };
}

function outputsOf({ node }: NodeKind): number {
  const attr = node.attrs['num_split'] ?? node.attrs['num'];
  return node.op === 'TopKV2' ? 2 : attr && 'int' in attr ? attr.int : 1;
}

function byOperation(timed: (NodeKind & { ms: number })[]): OpShare[] {
  const groups = new Map<string, { share: OpShare; flops: number }>();
  for (const { node, part, count, flops, ms } of timed) {
    const op = plainOp(node.op), key = `${part} ${op}`, group = groups.get(key) ?? { share: { op, part, count: 0, milliseconds: 0, gflops_per_second: null }, flops: 0 };
    group.share.count += count;
    group.share.milliseconds += ms;
    group.flops += flops * count;
    groups.set(key, group);
  }
  return [...groups.values()].map(({ share, flops }) => ({ ...share, gflops_per_second: flops ? flops / share.milliseconds / 1e6 : null })).sort((a, b) => b.milliseconds - a.milliseconds);
}
