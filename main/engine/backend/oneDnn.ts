/**
 * oneDNN's kernels, by the names under which TensorFlow has them. TensorFlow takes them of itself only on processors with instructions made for
 * neural networks (AVX-512 VNNI and later); on others they are asked for here where they are quicker than its own (docs/speed.md).
 */
import { AppError } from '../../contract/errors.ts';
import type { AttrValue, Attrs } from './graph/node.ts';
import { tensorflowFailed } from './errors.ts';
import { sampleNodes } from './halfOps.ts';
import { DT, type NodeBackend } from './nodeBinding.ts';
import { timeNode } from './opTimer.ts';
import { sizeOf } from './stepCheck.ts';

const KERNELS = { Conv2DBackpropInput: '_MklNativeConv2DBackpropInput', MatMul: '_MklMatMul', BatchMatMulV2: '_MklBatchMatMulV2' } as const;
const plainNames = new Map<string, string>(Object.entries(KERNELS).map(([plain, kernel]) => [kernel, plain]));
type KernelOp = keyof typeof KERNELS;
const isKernelOp = (op: string): op is KernelOp => op in KERNELS;

/** An operation and its attributes. */
export interface Operation { op: string; attrs: Attrs }
/** As TensorFlow's own rewriting of a graph names and marks it. */
const byOneDnn = (op: KernelOp, attrs: Attrs): Operation => ({ op: KERNELS[op], attrs: { ...attrs, _kernel: { string: 'MklNameChangeOp' } } });
/** The operation whose kernel `op` is; `op` itself where it is none of these. */
export const plainOp = (op: string): string => plainNames.get(op) ?? op;

let found: boolean | undefined;
/** What TensorFlow says of an operation, or of a kernel for it, that this build has not: its NOT_FOUND. */
const NOT_REGISTERED = /TF_Status: 5\b|not registered/;

/**
 * Whether this TensorFlow has the kernels: builds for x86 processors do. Not used on a GPU, nor where TF_ENABLE_ONEDNN_OPTS is 0. Tried out once in a
 * process. Throws engine.out_of_memory, engine.kernels_fail where they are there and do not compute: without them the numbers would be others than a moment ago.
 */
export function hasOneDnn({ binding, isUsingGpuDevice }: NodeBackend): boolean {
  if (isUsingGpuDevice || process.env['TF_ENABLE_ONEDNN_OPTS'] === '0') return false;
  try {
    return found ??= sampleNodes(DT.float).every(([op, node]) => !isKernelOp(op) || timeNode(binding, { ...node, ...byOneDnn(op, node.attrs) }, 1, 1)! > 0);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error), failed = tensorflowFailed('compute with oneDNN\'s kernels', error);
    if (NOT_REGISTERED.test(message)) return found = false;
    throw failed.code === 'engine.out_of_memory' ? failed : new AppError('engine.kernels_fail', `TensorFlow's oneDNN kernels do not compute here: ${message.slice(0, 600)}`, 'Set TF_ENABLE_ONEDNN_OPTS=0 in the environment and try again: TensorFlow\'s other kernels are used then.', { message });
  }
}

/** Products of fewer multiplications than this take oneDNN longer to start than to compute. */
const BATCH_MULTIPLICATIONS = 2 ** 19;
/** Of convolutions, 'same' and 'valid' only: its input gradient takes no explicit padding. */
export const takesPadding = ({ padding }: Attrs): boolean => 'string' in padding! && padding.string !== 'EXPLICIT';
const isTrue = (v: AttrValue | undefined): boolean => v !== undefined && 'bool' in v && v.bool;

/**
 * The float32 operation by oneDNN where that is quicker: input gradients of convolutions are (up to four times), and matrix products but those
 * whose first factor is transposed (a weight's gradient) and small batched ones. Forward convolutions and filter gradients are not. Shapes: the
 * first input's and the output's.
 */
export function quicker(op: string, attrs: Attrs, a: number[], output: number[]): Operation {
  const plain = { op, attrs };
  if (!isKernelOp(op)) return plain;
  const takes = {
    Conv2DBackpropInput: () => takesPadding(attrs),
    MatMul: () => !isTrue(attrs['transpose_a']),
    BatchMatMulV2: () => sizeOf(output) * a.at(isTrue(attrs['adj_x']) ? -2 : -1)! >= BATCH_MULTIPLICATIONS,
  }[op];
  return takes() ? byOneDnn(op, attrs) : plain;
}
