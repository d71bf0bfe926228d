/** Names of ops' outputs (OpDef.output_arg), which references inside a FunctionDef carry: "node:output:0". */
const groups: Record<string, string> = {
  y: `Abs Acos Asin Atan Cast Ceil Cos Cosh DeepCopy Erf Exp Expm1 Floor Inv IsFinite IsInf IsNan Log Log1p LogicalNot Neg OnesLike
    Reciprocal Rint Round Rsqrt Sigmoid Sign Sin Sinh Sqrt Square Tan Tanh Transpose ZerosLike`,
  z: `Add AddV2 Atan2 DivNoNan Equal FloorDiv FloorMod Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr Maximum Minimum Mul NotEqual
    Pow RealDiv RsqrtGrad SigmoidGrad SqrtGrad SquaredDifference Sub TanhGrad`,
  activations: 'Elu LeakyRelu Relu Relu6 Selu Softplus',
  backprops: 'EluGrad LeakyReluGrad Relu6Grad ReluGrad SeluGrad SoftplusGrad',
  softmax: 'Softmax',
  logsoftmax: 'LogSoftmax',
  product: 'MatMul _MklMatMul',
  out: 'Cumprod Cumsum',
  sum: 'AddN',
  resized_images: 'ResizeBilinear ResizeNearestNeighbor',
  value: 'ReadVariableOp',
  resource: 'VarHandleOp',
};
const byOp = new Map(Object.entries(groups).flatMap(([output, ops]) => ops.split(/\s+/).map((op): [string, string] => [op, output])));

/** Of ops whose outputs have a name each. */
const separate: Record<string, string[]> = { TopKV2: ['values', 'indices'], Switch: ['output_false', 'output_true'], Merge: ['output', 'value_index'] };

/** "output:2" for the third output of an op with one list of outputs, "indices:0" for TopKV2's second. Most ops call theirs "output". */
export function outputName(op: string, index: number): string {
  const names = separate[op];
  if (names) return `${names[index]}:0`;
  return `${byOp.get(op) ?? 'output'}:${index}`;
}
