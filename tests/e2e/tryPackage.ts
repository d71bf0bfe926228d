/**
 * Starts a packed app with an empty home folder and drives it as a newcomer would: TensorFlow is installed by the app itself, a short LPL run
 * of the demo is trained to its end, its curves and pictures are looked at, the app is closed. Then nothing may have been written outside
 * the data folder. `node scripts/node24.mjs tests/e2e/tryPackage.ts APP_FOLDER_OR_TAR_GZ [--steps N]`; needs Linux, Xvfb, a way to
 * PyPI, and 2 GB of disk.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { demoConfig } from '../../main/compare/demo.ts';
import { until } from '../api/helpers.ts';
import { appFolder, filesIn, megabytesIn, startPackaged, stateOf, wrongFuses } from './packagedApp.ts';

const MINUTES = 60_000;
const started = performance.now();
const say = (text: string): void => console.log(`${String(Math.round((performance.now() - started) / 1000)).padStart(4)} s  ${text}`);
function must(ok: boolean, what: string): void {
  if (!ok) throw new Error(`not so: ${what}`);
  say(`ok: ${what}`);
}

type Bridge = { lpl: { invoke(method: string, params: unknown): Promise<{ result?: unknown; error?: { message: string } }> } };
async function ask<T>(page: Page, method: string, params: unknown = {}): Promise<T> {
  const reply = await page.evaluate(([m, p]) => (window as never as Bridge).lpl.invoke(m as string, p), [method, params] as const);
  if (reply.error) throw new Error(`${method}: ${reply.error.message}`);
  return reply.result as T;
}

/** TensorFlow comes by itself, with its progress on the start page. */
async function firstStart(page: Page): Promise<void> {
  await page.waitForSelector('main > *', { timeout: 2 * MINUTES });
  const card = page.getByRole('region', { name: 'Training engine' });
  await card.waitFor({ timeout: MINUTES });
  const seen = new Set<string>();
  await until(async () => {
    seen.add((await card.innerText({ timeout: 1_000 }).catch(() => '')).split('\n').at(-1)!);
    const { state, problem } = await ask<{ state: string; problem: { message: string } | null }>(page, 'engine.get');
    if (state === 'missing' && problem) throw new Error(problem.message);
    return state === 'ready';
  }, 'TensorFlow', 25 * MINUTES);
  const lines = [...seen].filter(Boolean);
  must(lines.some((line) => line.startsWith('Downloading')) && lines.some((line) => line.startsWith('Unpacking')), `the page showed how the installation went on: ${lines.length} states, such as "${lines[Math.floor(lines.length / 2)]}"`);
  await card.waitFor({ state: 'detached', timeout: MINUTES });
}

interface Run { id: string; state: string; step: number; backend: string | null; error: { message: string; hint: string } | null }

/** The demo's LPL arm, cut short, with one picture. */
async function trainDemo(page: Page, pictures: string, steps: number): Promise<void> {
  const model = (await ask<{ id: string; builtin: boolean }[]>(page, 'models.list')).find((m) => m.builtin)!;
  const demo = demoConfig(model.id, pictures, steps);
  const config = { ...demo, lpl: { ...demo.lpl, enabled: true }, samples: { ...demo.samples, prompts: ['blob emoji of a cat'], seeds: [1], sample_every: steps, num_inference_steps: 6 }, validation: { ...demo.validation, validation_every: 0 } };
  const { id } = await ask<Run>(page, 'runs.create', { name: 'Packed', config, start: true });
  await page.evaluate((route) => { location.hash = route; }, `#/runs/${id}`);
  const run = await until(async () => {
    const now = await ask<Run>(page, 'runs.get', { id });
    if (now.state === 'failed' || now.state === 'lost') throw new Error(`the run ended: ${now.error?.message} ${now.error?.hint}`);
    return now.state === 'finished' && now;
  }, 'the run', 20 * MINUTES);
  must(run.step === steps && run.backend === 'tensorflow', `${run.step} steps were trained with LPL on ${run.backend}`);
  await page.getByText(/^Finished \d+ steps/).first().waitFor({ timeout: MINUTES });
  const picture = page.getByRole('region', { name: 'Sample pictures' }).locator('img').first();
  await until(() => picture.evaluate((img: HTMLImageElement) => img.naturalWidth > 0), 'a sample picture', MINUTES);
  const curves = (await ask<{ name: string; points: number }[]>(page, 'metrics.names', { run_id: id })).filter((n) => n.points === steps).map((n) => n.name);
  must(curves.includes('loss') && curves.some((name) => name.startsWith('lpl')), `its page shows the end, its picture, and curves of ${steps} points (${curves.slice(0, 5).join(', ')} …)`);
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { steps: { type: 'string', default: '12' } } });
if (!positionals[0]) throw new Error('Name the folder of an unpacked app, or a .tar.gz.');
const work = mkdtempSync(join(tmpdir(), 'lpl-try-'));
try {
  const folder = appFolder(positionals[0], work), program = join(folder, 'lpl-studio'), home = join(work, 'home');
  mkdirSync(home);
  say(`${basename(folder)}: ${megabytesIn(folder)} MB in ${filesIn(folder).length} files`);
  const wrong = await wrongFuses(program);
  must(wrong.length === 0, `all fuses are set${wrong.length > 0 ? `: not ${wrong.join(', ')}` : ''}`);
  const asNode = spawnSync(program, ['-e', 'process.stdout.write("a plain Node")'], { encoding: 'utf8', env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', DISPLAY: '' }, timeout: 20_000 });
  must(!asNode.stdout.includes('a plain Node'), 'the program cannot be used as a plain Node');
  const before = stateOf(folder);
  const app = await startPackaged(program, home);
  try {
    say('the window is there');
    await firstStart(app.page);
    await trainDemo(app.page, join(folder, 'resources', 'app.asar.unpacked', 'resources', 'demo', 'blobs'), Number(values.steps));
    must(await app.close() === 0, 'it closes when it is told to');
  } catch (error) { console.error(app.log()); throw error; } finally { app.kill(); }
  must(stateOf(folder) === before, 'nothing in the app\'s own folder has changed');
  const outside = filesIn(home).filter((f) => !f.startsWith(join(home, '.local', 'share', 'lpl-studio')));
  must(outside.length === 0, `nothing was written outside the data folder${outside.length > 0 ? `: ${outside.slice(0, 8).join(', ')}` : ''}`);
} finally { rmSync(work, { recursive: true, force: true, maxRetries: 5 }); }
