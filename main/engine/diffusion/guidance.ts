/** Classifier-free guidance (Ho & Salimans 2022) and its rescaling (Lin et al. 2023, section 3.4). */

/** u + scale·(c − u). */
export function guide(unconditional: Float32Array, conditional: Float32Array, scale: number): Float32Array {
  return conditional.map((c, i) => unconditional[i]! + scale * (c - unconditional[i]!));
}

function deviation(x: Float32Array, from: number, to: number): number {
  let mean = 0, square = 0;
  for (let i = from; i < to; i++) mean += x[i]!;
  mean /= to - from;
  for (let i = from; i < to; i++) square += (x[i]! - mean) ** 2;
  return Math.sqrt(square / (to - from - 1));
}

/** Brings each sample's guided output back to the conditional output's standard deviation, by the share `rescale` (0 … 1). */
export function rescaleGuidance(guided: Float32Array, conditional: Float32Array, samples: number, rescale: number): Float32Array {
  const size = guided.length / samples, out = guided.slice();
  for (let s = 0; s < samples; s++) {
    const from = s * size, to = from + size;
    const factor = rescale * (deviation(conditional, from, to) / deviation(guided, from, to)) + (1 - rescale);
    for (let i = from; i < to; i++) out[i] = guided[i]! * factor;
  }
  return out;
}
