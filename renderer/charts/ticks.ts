/** Round values for an axis: 1, 2 or 5 times a power of ten; whole decades on a logarithmic one. */

/** At most about `wanted` round values within [min, max]. */
export function linearTicks(min: number, max: number, wanted = 6): number[] {
  const span = max - min;
  if (!(span > 0)) return [min];
  const rough = span / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((k) => k * power >= rough * 0.999) ?? 10);
  const first = Math.ceil(min / step - 1e-9);
  const last = Math.floor(max / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Powers of ten within [min, max], both above zero; with 2 and 5 times them where there are few. */
export function logTicks(min: number, max: number): number[] {
  const from = Math.floor(Math.log10(min));
  const to = Math.ceil(Math.log10(max));
  const every = Math.max(1, Math.ceil((to - from) / 6));
  const factors = to - from <= 2 ? [1, 2, 5] : [1];
  const all: number[] = [];
  for (let p = from; p <= to; p += every) for (const f of factors) all.push(Number((f * 10 ** p).toPrecision(3)));
  return all.filter((v) => v >= min * 0.999 && v <= max * 1.001);
}
