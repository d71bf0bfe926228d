/**
 * Every check and test, after set-up: types, arrows between rooms, the window's parts, builds, tests. Prints what failed;
 * the very last line is "N passed, N failed". Arguments are handed to vitest: `npm test -- tests/db`.
 */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { appDir } from '../main/runtime/paths.ts';
import { terminalReport } from '../main/runtime/report.ts';
import { setupRuntime } from '../main/runtime/setup.ts';
import { build } from './build.ts';
import { MARK, outlivedFor } from './outlived.ts';

let passed = 0;
let failed = 0;
const bin = (path: string): string => join(appDir, 'node_modules', path);

/** One check: a command of node_modules on this Node. */
function check(name: string, args: string[]): void {
  const start = performance.now();
  const result = spawnSync(process.execPath, args, { cwd: appDir, encoding: 'utf8', maxBuffer: 1 << 28 });
  const ok = result.status === 0;
  if (ok) passed++; else failed++;
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name} (${Math.round((performance.now() - start) / 1000)} s)`);
  if (!ok) console.log((result.stdout + result.stderr).split('\n').map((l) => `       ${l}`).join('\n'));
}

async function buildAll(): Promise<void> {
  try { await build({ force: true }); passed++; console.log('ok     build'); } catch (error) {
    failed++;
    console.log(`FAILED build\n${(error as Error).stack ?? String(error)}`);
  }
}

const resultSchema = z.object({ numPassedTests: z.int(), numFailedTests: z.int(), numPendingTests: z.int(), testResults: z.array(z.object({ name: z.string(), status: z.string(), assertionResults: z.array(z.unknown()) })) });

/**
 * Tests, whose hundreds of Node processes share what they have compiled, which halves a core's start; a file that does not load counts as one failure, and so does each skipped test: nothing is passed over in silence.
 */
async function tests(args: string[]): Promise<void> {
  const suite = randomUUID();
  const dir = mkdtempSync(join(tmpdir(), 'lpl-check-'));
  const report = join(dir, 'vitest.json');
  try {
    const run = spawnSync(process.execPath, [bin('vitest/vitest.mjs'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...args], { cwd: appDir, stdio: 'inherit', env: { ...process.env, [MARK]: suite, NODE_COMPILE_CACHE: join(dir, 'compiled') } });
    await nothingLeft(suite);
    if (!existsSync(report)) { failed++; console.log('FAILED tests: vitest ended without a report'); return; }
    const result = resultSchema.parse(JSON.parse(readFileSync(report, 'utf8')));
    const unloaded = result.testResults.filter((f) => f.status === 'failed' && f.assertionResults.length === 0);
    for (const f of unloaded) console.log(`FAILED ${f.name}: could not be loaded`);
    if (result.numPendingTests > 0) console.log(`FAILED ${result.numPendingTests} tests were skipped`);
    const failures = result.numFailedTests + unloaded.length + result.numPendingTests;
    passed += result.numPassedTests;
    failed += failures;
    if (run.status !== 0 && failures === 0) { failed++; console.log('FAILED tests: vitest reports an error outside of tests'); }
  } finally { rmSync(dir, { recursive: true, force: true }); }
}

/** No process of the app, no browser and no screen may outlive the tests; those that do are named, counted as one failure, and ended. */
async function nothingLeft(suite: string): Promise<void> {
  const left = await outlivedFor(suite, 15_000, ({ command }) => command.includes(appDir) || /chrom|electron|Xvfb/i.test(command));
  if (left.length === 0) { passed++; return; }
  failed++;
  console.log(`FAILED processes outlive the tests:\n${left.map(({ pid, command }) => `       ${pid} ${command}`).join('\n')}`);
  for (const { pid } of left) try { process.kill(pid, 'SIGKILL'); } catch { /* it has just ended */ }
}

const runtime = await setupRuntime({ report: terminalReport() });
if (runtime.backend === 'tensorflow') { passed++; console.log(`ok     set-up: TensorFlow ${runtime.version}`); } else { failed++; console.log(`FAILED set-up: ${runtime.problem}`); }
const given = process.argv.slice(2);
if (given.length === 0) {
  check('types of main, scripts and tests', [bin('typescript/bin/tsc'), '-p', 'tsconfig.main.json']);
  check('types of the desktop shell', [bin('typescript/bin/tsc'), '-p', 'tsconfig.electron.json']);
  check('types and accessibility of the window', [bin('svelte-check/bin/svelte-check'), '--tsconfig', 'tsconfig.renderer.json', '--fail-on-warnings', '--output', 'human']);
  check('arrows between rooms', [bin('dependency-cruiser/bin/dependency-cruiser.mjs'), '--config', '.dependency-cruiser.cjs', 'main', 'renderer', 'electron', 'scripts']);
}
await buildAll();
await tests(given);
process.exitCode = failed > 0 ? 1 : 0;
console.log(`${passed} passed, ${failed} failed`);
