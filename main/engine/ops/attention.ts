/** Multi-head scaled dot-product attention (Vaswani et al. 2017), with an analytic gradient, in chunks of queries when large. */
import { tf, type Tensor } from '../tf.ts';
import { customOp, type Computed } from './customOp.ts';
import { fuse, sequenced } from './fuse.ts';

/** Weights of more values than this are not kept for the gradient, nor all computed at once (64 M values are 256 MB). */
const CHUNK_VALUES = 2 ** 26;

/** [N,L,C] -> [N,heads,L,C/heads]. */
function splitHeads(x: Tensor, heads: number): Tensor {
  const [n, l, c] = x.shape as [number, number, number];
  return heads === 1 ? tf.reshape(x, [n, 1, l, c]) : tf.transpose(tf.reshape(x, [n, l, heads, c / heads]), [0, 2, 1, 3]);
}

/** The inverse of splitHeads. */
function mergeHeads(x: Tensor): Tensor {
  const [n, heads, l, d] = x.shape as [number, number, number, number];
  return tf.reshape(heads === 1 ? x : tf.transpose(x, [0, 2, 1, 3]), [n, l, heads * d]);
}

/** softmax(q·kᵀ + mask). q is scaled already. q [N,heads,L,D], k [N,heads,S,D] -> [N,heads,L,S], to which mask broadcasts. */
function weights(q: Tensor, k: Tensor, mask?: Tensor): Tensor {
  const scores = tf.matMul(q, k, false, true);
  return tf.softmax(mask ? tf.add(scores, mask) : scores);
}

/** Through the softmax: dS = P∘(dP − Σ dO∘O) (Dao et al. 2022, eq. 4). p, dp [N,heads,L,S]; o, dO [N,heads,L,D]. */
function scoreGradient(p: Tensor, dp: Tensor, o: Tensor, dO: Tensor): Tensor {
  const d = tf.sum(tf.mul(dO, o), 3, true);
  return fuse(p.size, () => tf.mul(p, tf.sub(dp, d)));
}

interface Gradients { dq: Tensor; dk: Tensor; dv: Tensor }

/** Gradients of o = p·v, p = softmax(q·kᵀ), in their split form. */
function splitGradients([q, k, v, p, o]: Tensor[], dO: Tensor): Gradients {
  const ds = scoreGradient(p!, tf.matMul(dO, v!, false, true), o!, dO);
  return { dq: tf.matMul(ds, k!), dk: tf.matMul(ds, q!, true, false), dv: tf.matMul(p!, dO, true, false) };
}

/** [first, count] of each chunk of queries. */
function chunksOf(q: Tensor, k: Tensor, limit: number): [number, number][] {
  const [n, heads, l] = q.shape as [number, number, number], rows = Math.max(1, Math.min(l, Math.floor(limit / (n * heads * k.shape[2]!))));
  return Array.from({ length: Math.ceil(l / rows) }, (_, i) => [i * rows, Math.min(rows, l - i * rows)]);
}

const rowsOf = (x: Tensor, [first, count]: [number, number]): Tensor => tf.slice(x, [0, 0, first, 0], [x.shape[0]!, x.shape[1]!, count, x.shape[3]!]);

function chunkedForward(q: Tensor, k: Tensor, v: Tensor, chunks: [number, number][]): Tensor {
  const parts: Tensor[] = [];
  for (const c of chunks) parts.push(tf.matMul(weights(sequenced(rowsOf(q, c), parts.at(-1)), k), v));
  return tf.concat(parts, 2);
}

function chunkedGradients([q, k, v, o]: Tensor[], dO: Tensor, chunks: [number, number][]): Gradients {
  const dqs: Tensor[] = [];
  let dk: Tensor | undefined, dv: Tensor | undefined;
  for (const c of chunks) {
    const qc = sequenced(rowsOf(q!, c), dk);
    const g = splitGradients([qc, k!, v!, weights(qc, k!), rowsOf(o!, c)], rowsOf(dO, c));
    dqs.push(g.dq);
    dk = dk ? tf.add(dk, g.dk) : g.dk;
    dv = dv ? tf.add(dv, g.dv) : g.dv;
  }
  return { dq: tf.concat(dqs, 2), dk: dk!, dv: dv! };
}

/**
 * q [N,L,C], k and v [N,S,C] -> [N,L,C]; `mask` is added to the scores, broadcast to [N,heads,L,S] (causal: a large negative
 * number above the diagonal), and gets no gradient. More than `chunkValues` attention weights are computed in chunks of queries.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, heads: number, mask?: Tensor, chunkValues = CHUNK_VALUES): Tensor {
  const scale = 1 / Math.sqrt(q.shape[2]! / heads);
  const split = (): [Tensor, Tensor, Tensor] => [splitHeads(tf.mul(q, scale), heads), splitHeads(k, heads), splitHeads(v, heads)];
  const compute = (): Computed => {
    const [qs, ks, vs] = split(), chunks = mask ? [] : chunksOf(qs, ks, chunkValues);
    if (chunks.length > 1) {
      const o = chunkedForward(qs, ks, vs, chunks);
      return { value: mergeHeads(o), saved: [qs, ks, vs, o] };
    }
    const p = weights(qs, ks, mask), o = tf.matMul(p, vs);
    return { value: mergeHeads(o), saved: [qs, ks, vs, p, o] };
  };
  return customOp([q, k, v], compute, (dy, saved) => {
    const dO = splitHeads(dy, heads);
    const g = saved.length === 5 ? splitGradients(saved, dO) : chunkedGradients(saved, dO, chunksOf(saved[0]!, saved[1]!, chunkValues));
    return [() => tf.mul(mergeHeads(g.dq), scale), () => mergeHeads(g.dk), () => mergeHeads(g.dv)];
  });
}
