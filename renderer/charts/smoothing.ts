/**
 * Exponential smoothing with a time constant in steps, so that the curve does not depend on how the server thinned it out:
 * y̅ₖ = Σᵢ yᵢ·e^(−(xₖ−xᵢ)/τ) / Σᵢ e^(−(xₖ−xᵢ)/τ)  over i ≤ k (debiased: the first points are not pulled to zero).
 */
export function smooth(x: readonly number[], y: readonly number[], tau: number): number[] {
  if (tau <= 0) return [...y];
  let sum = 0;
  let weight = 0;
  return y.map((value, i) => {
    const keep = i === 0 ? 0 : Math.exp(-Math.max(0, x[i]! - x[i - 1]!) / tau);
    if (Number.isFinite(value)) {
      sum = sum * keep + value;
      weight = weight * keep + 1;
    }
    return weight === 0 ? Number.NaN : sum / weight;
  });
}

/** Index of the value in ascending `x` nearest to `at`; −1 when there is none. */
export function nearest(x: readonly number[], at: number): number {
  if (x.length === 0) return -1;
  let low = 0;
  let high = x.length - 1;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (x[mid]! < at) low = mid + 1; else high = mid;
  }
  return low > 0 && Math.abs(x[low - 1]! - at) <= Math.abs(x[low]! - at) ? low - 1 : low;
}
