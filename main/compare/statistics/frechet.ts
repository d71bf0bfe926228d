/**
 * Fréchet distance between two sets of feature vectors, each taken as a Gaussian (Dowson & Landau 1982; Heusel et al.
 * 2017 for images): d² = ‖μ₁ − μ₂‖² + tr Σ₁ + tr Σ₂ − 2 tr (Σ₁Σ₂)^½.
 */
import { Matrix, SingularValueDecomposition } from 'ml-matrix';

/** Feature vectors, one a row. */
export type Features = readonly Float64Array[] | readonly Float32Array[];

export function mean(features: Features): Float64Array {
  const d = features[0]!.length;
  const out = new Float64Array(d);
  for (const row of features) for (let j = 0; j < d; j++) out[j]! += row[j]! / features.length;
  return out;
}

/** Rows minus their mean, divided by √(n − 1): A with AᵀA = Σ (unbiased, as numpy.cov). */
function centred(features: Features): Matrix {
  const m = mean(features);
  const scale = 1 / Math.sqrt(features.length - 1);
  return new Matrix([...features].map((row) => Array.from(row as ArrayLike<number>, (x, j) => (x - m[j]!) * scale)));
}

const sumOfSquares = (m: Matrix): number => m.to1DArray().reduce((s, x) => s + x * x, 0);

/**
 * The squared Fréchet distance. tr (Σ₁Σ₂)^½ is the sum of the singular values of A·Bᵀ, where Σ₁ = AᵀA and Σ₂ = BᵀB:
 * no matrix square root, and exact when there are fewer pictures than features. Throws RangeError below two vectors a set.
 */
export function frechetDistance(first: Features, second: Features): number {
  if (first.length < 2 || second.length < 2) throw new RangeError('the Fréchet distance needs at least two vectors in each set');
  const a = centred(first);
  const b = centred(second);
  const cross = a.rows <= a.columns && b.rows <= b.columns ? a.mmul(b.transpose()) : productOfRoots(a, b);
  const singular = new SingularValueDecomposition(cross, { computeLeftSingularVectors: false, computeRightSingularVectors: false, autoTranspose: true }).diagonal;
  const m1 = mean(first);
  const m2 = mean(second);
  const means = m1.reduce((s, x, j) => s + (x - m2[j]!) ** 2, 0);
  return means + sumOfSquares(a) + sumOfSquares(b) - 2 * singular.reduce((s, x) => s + x, 0);
}

/** With more vectors than features the same singular values come from d×d: A and B are first reduced to d rows (A = Q·R, same Σ). */
function productOfRoots(a: Matrix, b: Matrix): Matrix {
  return reduced(a).mmul(reduced(b).transpose());
}

/** diag(s)·Vᵀ of A = U·diag(s)·Vᵀ: at most d rows, with the same AᵀA. */
function reduced(a: Matrix): Matrix {
  if (a.rows <= a.columns) return a;
  const svd = new SingularValueDecomposition(a, { computeLeftSingularVectors: false, computeRightSingularVectors: true });
  return Matrix.diag(svd.diagonal).mmul(svd.rightSingularVectors.transpose());
}
