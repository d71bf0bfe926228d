/** Memory that is given back: V8's after a recording, and glibc's by the number of its heaps, in every process that trains. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createSupervisor } from '../../main/trainer/supervisor.ts';
import { tempDir } from './train-helpers.ts';

const root = join(import.meta.dirname, '..', '..');
function script(text: string): string {
  const file = join(tempDir(), 'script.mjs');
  writeFileSync(file, text);
  return file;
}

test('releaseGarbage gives the pages of dead objects back to the system, and leaves the living alone', () => {
  const file = script(`
    import { releaseGarbage } from ${JSON.stringify(join(root, 'main/engine/backend/garbage.ts'))};
    const mb = () => { const { rss, heapTotal } = process.memoryUsage(); return { rss: rss / 1e6, heap: heapTotal / 1e6 }; };
    const graph = (n) => Array.from({ length: n }, (_, i) => ({ name: 'node' + i, inputs: [i, i + 1, i + 2], attrs: { at: { i } } }));
    let made = graph(700_000);
    const kept = graph(10), before = mb();
    made = null;
    releaseGarbage();
    console.log(JSON.stringify({ before, after: mb(), kept: kept[9].attrs.at.i }));
  `);
  const { before, after, kept } = JSON.parse(execFileSync(process.execPath, [file], { encoding: 'utf8' })) as { before: Memory; after: Memory; kept: number };
  interface Memory { rss: number; heap: number }
  expect(before.heap).toBeGreaterThan(100);
  expect(before.heap - after.heap).toBeGreaterThan(0.7 * before.heap);
  expect(before.rss - after.rss).toBeGreaterThan(0.6 * before.heap);
  expect(kept).toBe(9);
});

describe('glibc has two heaps, or as many as a person says', () => {
  afterEach(() => { vi.unstubAllEnvs(); });
  const given: [string | undefined, string][] = [[undefined, '2'], ['7', '7']];

  test.each(given)('scripts/node24.mjs with MALLOC_ARENA_MAX %s', (own, seen) => {
    const { MALLOC_ARENA_MAX: _, ...env } = process.env, file = script('console.log(process.env.MALLOC_ARENA_MAX)');
    const ran = spawnSync(process.execPath, [join(root, 'scripts/node24.mjs'), relative(root, file)], { encoding: 'utf8', env: own ? { ...env, MALLOC_ARENA_MAX: own } : env });
    expect([ran.stdout.trim(), ran.status]).toEqual([seen, 0]);
  });
  test.each(given)('a training process of the app with MALLOC_ARENA_MAX %s', async (own, seen) => {
    vi.stubEnv('MALLOC_ARENA_MAX', own);
    const folder = tempDir(), file = script("import { writeFileSync } from 'node:fs'; writeFileSync(process.argv[2] + '/seen', String(process.env.MALLOC_ARENA_MAX))");
    await new Promise<void>((exited) => {
      createSupervisor({ node: process.execPath, args: [file], parse: () => [], callbacks: { events() {}, journal() {}, silent() {}, exited: () => exited() } }).start('run', folder);
    });
    expect(readFileSync(join(folder, 'seen'), 'utf8')).toBe(seen);
  });
});
