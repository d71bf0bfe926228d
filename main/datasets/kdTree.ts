/** k-d tree over equally long vectors (Bentley 1975; split at the median of the widest dimension): all neighbours within a radius, exactly. */

const LEAF = 12;
interface Node { from: number; to: number; axis: number; at: number; left?: Node; right?: Node }

export class KdTree {
  private readonly points: Float32Array[];
  private readonly order: Int32Array;
  private readonly root: Node;

  constructor(points: Float32Array[]) {
    this.points = points;
    this.order = Int32Array.from(points, (_, i) => i);
    this.root = this.build(0, points.length);
  }

  private build(from: number, to: number): Node {
    const node: Node = { from, to, axis: -1, at: 0 };
    if (to - from <= LEAF) return node;
    const { axis, spread } = this.widest(from, to);
    if (spread === 0) return node;
    const part = this.order.subarray(from, to);
    part.sort((a, b) => this.points[a]![axis]! - this.points[b]![axis]!);
    const middle = (from + to) >> 1;
    node.axis = axis;
    node.at = this.points[this.order[middle]!]![axis]!;
    node.left = this.build(from, middle);
    node.right = this.build(middle, to);
    return node;
  }

  private widest(from: number, to: number): { axis: number; spread: number } {
    const length = this.points[0]!.length;
    const low = new Float32Array(length).fill(Infinity), high = new Float32Array(length).fill(-Infinity);
    for (let i = from; i < to; i++) {
      const p = this.points[this.order[i]!]!;
      for (let d = 0; d < length; d++) { const v = p[d]!; if (v < low[d]!) low[d] = v; if (v > high[d]!) high[d] = v; }
    }
    let axis = 0;
    for (let d = 1; d < length; d++) if (high[d]! - low[d]! > high[axis]! - low[axis]!) axis = d;
    return { axis, spread: high[axis]! - low[axis]! };
  }

  /** Calls `found` with the index of every point whose Euclidean distance to `query` is at most `radius`. */
  within(query: Float32Array, radius: number, found: (index: number, distance: number) => void): void {
    const limit = radius * radius;
    const gaps = new Float32Array(query.length);
    const visit = (node: Node, gap: number): void => {
      if (node.axis < 0) return this.scanLeaf(node, query, limit, found);
      const difference = query[node.axis]! - node.at;
      const [near, far] = difference < 0 ? [node.left!, node.right!] : [node.right!, node.left!];
      visit(near, gap);
      const old = gaps[node.axis]!;
      const farGap = gap - old + difference * difference;
      if (farGap > limit) return;
      gaps[node.axis] = difference * difference;
      visit(far, farGap);
      gaps[node.axis] = old;
    };
    if (this.points.length > 0) visit(this.root, 0);
  }

  private scanLeaf(node: Node, query: Float32Array, limit: number, found: (index: number, distance: number) => void): void {
    for (let i = node.from; i < node.to; i++) {
      const index = this.order[i]!, p = this.points[index]!;
      let s = 0;
      for (let d = 0; d < query.length && s <= limit; d++) { const v = p[d]! - query[d]!; s += v * v; }
      if (s <= limit) found(index, Math.sqrt(s));
    }
  }
}
