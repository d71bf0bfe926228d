import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** WCAG 2.2: contrast of two colours by their relative luminance. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}
const contrast = (a: string, b: string): number => { const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p); return (x! + 0.05) / (y! + 0.05); };

const css = readFileSync(new URL('../../renderer/ui/tokens.css', import.meta.url), 'utf8');
const read = (block: string): Record<string, string> => Object.fromEntries([...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map((m) => [m[1]!, m[2]!]));
const [darkBlock, lightBlock] = css.split(":root[data-theme='light']");
const themes = { dark: read(darkBlock!), light: { ...read(darkBlock!), ...read(lightBlock!) } };

describe.each(Object.entries(themes))('the %s theme', (_name, token) => {
  const text = ['text', 'text-2', 'text-3', 'accent-strong', 'good', 'warn', 'bad', 'arm-baseline', 'arm-lpl', 'arm-aa'];
  const grounds = ['bg', 'surface', 'raised', 'well'];
  it.each(text.flatMap((t) => grounds.map((g) => [t, g] as const)))('%s is readable on %s (4.5:1)', (t, g) => { expect(contrast(token[t]!, token[g]!)).toBeGreaterThanOrEqual(4.5); });
  it.each([['on-accent', 'accent'], ['text', 'hover'], ['text-2', 'hover'], ['text', 'bad-soft'], ['text-2', 'bad-soft'], ['text', 'warn-soft'], ['text', 'accent-soft']])('%s is readable on %s', (t, g) => { expect(contrast(token[t]!, token[g]!)).toBeGreaterThanOrEqual(4.5); });
  it.each([['line-strong', 'well'], ['line-strong', 'surface'], ['focus', 'bg'], ['focus', 'surface'], ['accent', 'surface'], ['lit', 'pressed']])('%s stands out from %s (3:1)', (t, g) => { expect(contrast(token[t]!, token[g]!)).toBeGreaterThanOrEqual(3); });
});
