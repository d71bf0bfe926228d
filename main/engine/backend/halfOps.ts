/**
 * Which convolutions and products run in half precision. A processor without instructions for it computes them in TensorFlow's own loops: on one
 * with AVX2 only, a convolution's gradient in bfloat16 takes thirty times as long as in float32. So each kind is timed once, in both.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { writeJson } from '../../files/atomicFile.ts';
import { cacheRoot } from '../data/cacheRoot.ts';
import type { Precision } from './executor.ts';
import { Body, type Attrs, type GraphNode, type Ref } from './graph/node.ts';
import { storageEnum } from './native.ts';
import { DT, type NodeBackend, type NativeBinding } from './nodeBinding.ts';
import { timeNode } from './opTimer.ts';

/** The operations that are computed in the compute precision. */
export const HEAVY_OPS = ['Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter', 'MatMul', 'BatchMatMulV2'] as const;
export type HeavyOp = (typeof HEAVY_OPS)[number];
export type HalfPrecision = Exclude<Precision, 'fp32'>;

/** One operation of each kind, 0.3 to 0.5 GFLOP. */
export function sampleNodes(dtype: number): [HeavyOp, GraphNode][] {
  const body = new Body('h/'), x = { body, index: 0, dtype, shape: [1, 32, 32, 128] }, filter = { ...x, shape: [3, 3, 128, 128] };
  const conv: Attrs = { strides: { ints: [1, 1, 1, 1] }, padding: { string: 'SAME' }, data_format: { string: 'NHWC' }, dilations: { ints: [1, 1, 1, 1] }, use_cudnn_on_gpu: { bool: true } };
  const add = (op: HeavyOp, inputs: Ref[], attrs: Attrs): [HeavyOp, GraphNode] => [op, body.add(op, inputs, { ...attrs, T: { type: dtype } }, [{ shape: [], dtype }])[0]!.node!];
  return [
    add('Conv2D', [x, filter], conv), add('Conv2DBackpropInput', [body.ints(x.shape), filter, x], conv), add('Conv2DBackpropFilter', [x, body.ints(filter.shape), x], conv),
    add('MatMul', [{ ...x, shape: [1024, 512] }, { ...x, shape: [512, 512] }], { transpose_a: { bool: false }, transpose_b: { bool: false } }),
    add('BatchMatMulV2', [{ ...x, shape: [8, 512, 64] }, { ...x, shape: [8, 64, 512] }], { adj_x: { bool: false }, adj_y: { bool: false } }),
  ];
}

/** Real support makes an operation two to three times as quick; less than this is the timing's noise, and casts would eat it. */
const WORTH = 0.75;

/** The kinds that are quicker in `precision` than in float32 on this processor, timed now (a second or two). */
export function measureHalfOps(binding: NativeBinding, precision: HalfPrecision): HeavyOp[] {
  const full = sampleNodes(DT.float), half = sampleNodes(storageEnum(precision === 'bf16' ? 'bfloat16' : 'float16'));
  return full.flatMap(([op, node], i) => (timeNode(binding, half[i]![1], 1)! < WORTH * timeNode(binding, node, 1)! ? [op] : []));
}

/**
 * As `measureHalfOps`, measured once for a processor and kept in the cache folder: a resumed run has to compute as it did before. All of
 * them on a GPU.
 */
export function halfOps({ binding, isUsingGpuDevice }: NodeBackend, precision: HalfPrecision, root = cacheRoot(), measure = measureHalfOps): ReadonlySet<string> {
  if (isUsingGpuDevice) return new Set(HEAVY_OPS);
  const file = join(root, 'half-precision.json'), key = [cpus()[0]?.model, process.env['TF_NUM_INTRAOP_THREADS'] ?? 'all', binding.TF_Version, precision].join(' | ');
  const known = readKnown(file);
  const found = known[key] ?? measure(binding, precision);
  if (!known[key]) {
    try {
      mkdirSync(root, { recursive: true });
      writeJson(file, { ...known, [key]: found });
    } catch { /* a cache that cannot be written is measured again */ }
  }
  return new Set(found);
}

function readKnown(file: string): Record<string, HeavyOp[]> {
  try { return JSON.parse(readFileSync(file, 'utf8')) as Record<string, HeavyOp[]>; } catch { return {}; }
}
