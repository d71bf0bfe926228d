/** The work in a recorded step: its nodes by part and by kind, and the arithmetic of convolutions and products. */
import { ancestors, type Body, type GraphNode, type Ref } from '../backend/graph/node.ts';
import { plainOp } from '../backend/oneDnn.ts';
import { sizeOf } from '../backend/stepCheck.ts';

export type Part = 'unet forward' | 'lpl forward' | 'gradients' | 'update';

/** Nodes of one operation on the same shapes with the same attributes. */
export interface NodeKind { node: GraphNode; part: Part; count: number; /** floating point operations of one */ flops: number }

/** No work of their own. */
const FREE = new Set(['Const', 'Placeholder', 'VarHandleOp', 'ReadVariableOp', 'AssignVariableOp', 'Identity', 'Switch', 'Merge', 'Reshape']);

const signature = (r: Ref): string => `${r.dtype}[${r.shape}]`;
const keyOf = (n: GraphNode): string => n.op + JSON.stringify(n.attrs) + n.inputs.map(signature).join();

/** `ends`: for each part, in the order of computation, the nodes that end it; what an earlier part needs counts there. */
export function nodeKinds(body: Body, ends: [Part, string[]][]): NodeKind[] {
  const byName = new Map(body.nodes.map((n) => [n.name, n])), known = new Set<GraphNode>(), kinds = new Map<string, NodeKind>();
  for (const [part, names] of ends) {
    for (const node of ancestors(names.map((n) => byName.get(n)!), known)) {
      if (FREE.has(node.op)) continue;
      const key = part + keyOf(node), kind = kinds.get(key) ?? { node, part, count: 0, flops: flopsOf(node) };
      kind.count++;
      kinds.set(key, kind);
    }
  }
  return [...kinds.values()];
}

export const constantInts = (r: Ref): number[] => {
  const value = r.node!.attrs['value'] as { tensor: { content: Uint8Array } };
  return Array.from(new Int32Array(value.tensor.content.slice().buffer));
};
const flag = (n: GraphNode, name: string): boolean => (n.attrs[name] as { bool: boolean }).bool;

/** Multiplications and additions of convolutions and matrix products; 0 for everything else. */
export function flopsOf(n: GraphNode): number {
  const [a, b, c] = n.inputs.map((r) => r.shape);
  switch (plainOp(n.op)) {
    case 'Conv2D': {
      const [, sh, sw] = (n.attrs['strides'] as { ints: number[] }).ints;
      return (2 * sizeOf(a!) * sizeOf(b!)) / b![2]! / (sh! * sw!);
    }
    case 'Conv2DBackpropInput': return (2 * sizeOf(c!) * sizeOf(b!)) / b![3]!;
    case 'Conv2DBackpropFilter': { const f = constantInts(n.inputs[1]!); return (2 * sizeOf(c!) * sizeOf(f)) / f[3]!; }
    case 'MatMul': return 2 * sizeOf(a!) * (flag(n, 'transpose_b') ? b![0]! : b![1]!);
    case 'BatchMatMulV2': return 2 * sizeOf(a!) * (flag(n, 'adj_y') ? b!.at(-2)! : b!.at(-1)!);
    default: return 0;
  }
}
