/** Kernels that work element by element. */
import { tf } from '../../../tf.ts';
import { tfDtype, type GraphRecorder } from '../recorder.ts';
import { unreshaped } from '../node.ts';
import { typeOf, type Kernel, type Kernels } from './kernel.ts';

type Unary = { inputs: { x: tf.TensorInfo }; backend: GraphRecorder };
type Binary = { inputs: { a: tf.TensorInfo; b: tf.TensorInfo }; backend: GraphRecorder };

const broadcast = (a: number[], b: number[]): number[] => tf.backend_util.assertAndGetBroadcastShape(a, b);

const unary = (op: string): Kernel => ({ inputs: { x }, backend }: Unary) => backend.op(op, [x], typeOf(x), x.shape, x.dtype);
const predicate = (op: string): Kernel => ({ inputs: { x }, backend }: Unary) => backend.op(op, [x], op === 'LogicalNot' ? {} : typeOf(x), x.shape, 'bool');
/** Of two values that were reshaped alike, what they were before is taken: one reshape instead of two, or none. */
const binary = (op: string): Kernel => ({ inputs: { a, b }, backend }: Binary) => {
  const before = [a, b].map((t) => unreshaped(backend.ref(t))), [shape, other] = before.map((r) => r.shape.join());
  if (a.shape.join() === b.shape.join() && shape === other && shape !== a.shape.join()) {
    return backend.reshaped(backend.op(op, before, typeOf(a), before[0]!.shape, a.dtype), a.shape);
  }
  return backend.op(op, [a, b], typeOf(a), broadcast(a.shape, b.shape), a.dtype);
};
const comparison = (op: string): Kernel => ({ inputs: { a, b }, backend }: Binary) => backend.op(op, [a, b], typeOf(a), broadcast(a.shape, b.shape), 'bool');
const logical = (op: string): Kernel => ({ inputs: { a, b }, backend }: Binary) => backend.op(op, [a, b], {}, broadcast(a.shape, b.shape), 'bool');

const each = (names: string, make: (op: string) => Kernel): Kernels =>
  Object.fromEntries(names.split(' ').map((entry) => { const [kernel, op] = entry.split('='); return [kernel!, make(op ?? kernel!)]; }));

const cast: Kernel = ({ inputs: { x }, attrs: { dtype }, backend }: Unary & { attrs: { dtype: tf.DataType } }) => {
  if (x.dtype === dtype) return backend.info(backend.ref(x), dtype);
  return backend.op('Cast', [x], { SrcT: { type: tfDtype(x.dtype) }, DstT: { type: tfDtype(dtype) }, Truncate: { bool: false } }, x.shape, dtype);
};

/** tfjs's Step: 1 where x > 0, else `alpha`. */
const step: Kernel = ({ inputs: { x }, attrs: { alpha }, backend }: Unary & { attrs: { alpha: number } }) => {
  const zero = backend.fill([], 0, x.dtype), low = backend.fill([], alpha, x.dtype), high = backend.fill([], 1, x.dtype);
  const positive = backend.op('Greater', [x, zero], typeOf(x), x.shape, 'bool');
  return backend.op('SelectV2', [positive, high, low], typeOf(x), x.shape, x.dtype);
};

const clip: Kernel = ({ inputs: { x }, attrs: { clipValueMin, clipValueMax }, backend }: Unary & { attrs: { clipValueMin: number; clipValueMax: number } }) => {
  const low = backend.op('Maximum', [x, backend.fill([], clipValueMin, x.dtype)], typeOf(x), x.shape, x.dtype);
  return backend.op('Minimum', [low, backend.fill([], clipValueMax, x.dtype)], typeOf(x), x.shape, x.dtype);
};

const leakyRelu: Kernel = ({ inputs: { x }, attrs: { alpha }, backend }: Unary & { attrs: { alpha: number } }) =>
  backend.op('LeakyRelu', [x], { ...typeOf(x), alpha: { float: alpha } }, x.shape, x.dtype);

const select: Kernel = ({ inputs: { condition, t, e }, backend }: { inputs: { condition: tf.TensorInfo; t: tf.TensorInfo; e: tf.TensorInfo }; backend: GraphRecorder }) =>
  backend.op('SelectV2', [condition, t, e], typeOf(t), broadcast(broadcast(condition.shape, t.shape), e.shape), t.dtype);

const addN: Kernel = ({ inputs, backend }: { inputs: tf.TensorInfo[]; backend: GraphRecorder }) => {
  const all = Object.values(inputs);
  return backend.op('AddN', all, { ...typeOf(all[0]!), N: { int: all.length } }, all[0]!.shape, all[0]!.dtype);
};

/** Saving a tensor for the backward pass goes through Identity: the same value, no node. */
const identity: Kernel = ({ inputs: { x }, backend }: Unary) => backend.info(backend.ref(x), x.dtype, x.shape);

export const elementwise: Kernels = {
  ...each('Abs Acos Asin Atan Ceil Cos Cosh Elu Erf Exp Expm1 Floor Log Log1p Neg OnesLike Reciprocal Relu Relu6 Round Rsqrt Selu Sigmoid '
    + 'Sign Sin Sinh Softplus Sqrt Square Tan Tanh ZerosLike', unary),
  ...each('IsFinite IsInf IsNan LogicalNot', predicate),
  ...each('Add=AddV2 Atan2 FloorDiv Maximum Minimum Mod=FloorMod Multiply=Mul Pow RealDiv SquaredDifference Sub', binary),
  ...each('Equal Greater GreaterEqual Less LessEqual NotEqual', comparison),
  ...each('LogicalAnd LogicalOr', logical),
  Cast: cast, Step: step, ClipByValue: clip, LeakyRelu: leakyRelu, Select: select, AddN: addN, Identity: identity,
};
