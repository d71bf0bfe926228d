/** Numbers, sizes and times as a person reads them. */
const integer = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
export const count = (n: number): string => integer.format(n);

/** "1 picture", "2,000 pictures" */
export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

/** At most four significant digits; powers of ten where the number is very small or large. */
export function number(x: number | null | undefined): string {
  if (x === null || x === undefined) return '–';
  if (!Number.isFinite(x)) return String(x);
  if (Number.isInteger(x) && Math.abs(x) < 1e7) return count(x);
  const size = Math.abs(x);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return x.toExponential(2).replace(/\.?0+e/, 'e').replace('e-', 'e−').replace('e+', 'e');
  return String(Number(x.toPrecision(4)));
}

/** A share, 0 … 1, to "20 %": three digits. */
export const percent = (share: number): string => `${number(Number((share * 100).toPrecision(3)))} %`;

/** "2,567 M", "10 M", "0.3 M": two digits where it is less than ten million. */
export const millions = (n: number): string => `${n >= 9.5e6 ? count(n / 1e6) : Number((n / 1e6).toPrecision(2))} M`;

/** Bytes to "31 MB" (powers of 1000, as file managers show). */
export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let i = 0;
  let value = n;
  while (value >= 1000 && i < units.length - 1) { value /= 1000; i += 1; }
  return `${value >= 100 || i === 0 ? Math.round(value) : Number(value.toPrecision(2))} ${units[i]}`;
}

/** Seconds to "about 9 minutes"-style length without the "about": "40 s", "9 min", "2 h 10 min". */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 59.5) return `${Math.max(0, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.round(hours / 24)} days`;
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}

/** Milliseconds since 1970 to "3 min ago"; a date when it is long ago. */
export function ago(at: number, now = Date.now()): string {
  const s = (now - at) / 1000;
  if (s < 45) return 'just now';
  if (s < 86_400) return `${duration(s)} ago`;
  return new Date(at).toLocaleDateString(undefined, { day: 'numeric', month: 'short', year: 'numeric' });
}

export const clock = (at: number): string => new Date(at).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
