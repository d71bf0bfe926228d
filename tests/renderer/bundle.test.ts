import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { beforeAll, describe, expect, it } from 'vitest';

interface Output { fileName: string; type: 'chunk' | 'asset'; code?: string; source?: string | Uint8Array }
let files: Output[] = [];

beforeAll(async () => {
  const vitest = process.env.VITEST;
  delete process.env.VITEST; // the configuration is another one under test
  try {
    const result = await build({ configFile: 'vite.config.ts', root: 'renderer', logLevel: 'silent', build: { write: false } }) as unknown as { output: Output[] };
    files = result.output;
  } finally { process.env.VITEST = vitest; }
});

describe('the built window', () => {
  it('stays under 500 kB gzipped', () => {
    const loaded = files.filter((f) => /\.(js|css|html|svg)$/.test(f.fileName));
    expect(loaded.length).toBeGreaterThan(2);
    expect(loaded.reduce((sum, f) => sum + gzipSync(f.code ?? f.source ?? '').length, 0)).toBeLessThan(500_000);
  });
  it('has no inline script, style or handler in its page, as the content security policy demands', () => {
    const html = String(files.find((f) => f.fileName === 'index.html')?.source);
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)[^>]*>|<style|\son\w+=/i);
  });
  it('contains nothing of the fakes and does not talk to other hosts', () => {
    const code = files.map((f) => f.code ?? '').join('');
    expect(code).not.toContain('fakeCore');
    expect(code).not.toContain('fake.unknown');
    expect(code.match(/fetch\(["'`]https?:/)).toBeNull();
  });
  it('carries the licence of every package in it', () => {
    const list = JSON.parse(String(files.find((f) => f.fileName === 'licences.json')?.source)) as { name: string; licence: string }[];
    for (const name of ['svelte', 'chart.js', 'bits-ui', 'virtua', 'zod', '@tensorflow/tfjs-core', 'better-sqlite3']) expect(list.map((l) => l.name)).toContain(name);
    expect(list.filter((l) => l.licence === 'not named')).toEqual([]);
  });
});
