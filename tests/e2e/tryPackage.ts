/**
 * Starts a packed app with an empty home folder and drives it as a newcomer would, by clicks in its window: TensorFlow is installed by the app
 * itself, the demo is trained to its end, curves and pictures are looked at meanwhile, then its numbers; the app is closed. Nothing may have
 * been written outside the data folder. `node scripts/node24.mjs tests/e2e/tryPackage.ts APP_FOLDER_OR_TAR_GZ [--pictures FOLDER]`
 * (pictures of the window go there); needs Linux, Xvfb, a way to PyPI, 2 GB of disk and about ten minutes.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { until } from '../api/helpers.ts';
import type { DevtoolsPage } from './devtools.ts';
import { appFolder, filesIn, megabytesIn, startPackaged, stateOf, strays, wrongFuses } from './packagedApp.ts';

const MINUTES = 60_000;
const started = performance.now();
const say = (text: string): void => console.log(`${String(Math.round((performance.now() - started) / 1000)).padStart(4)} s  ${text}`);
function must(ok: boolean, what: string): void {
  if (!ok) throw new Error(`not so: ${what}`);
  say(`ok: ${what}`);
}

/** What a region of the page says; empty when it is not there. */
const says = (page: DevtoolsPage, region: string): Promise<string> => page.evaluate((name) => document.querySelector<HTMLElement>(`section[aria-label="${name}"]`)?.innerText ?? '', region);

/** TensorFlow comes by itself, with its progress on the start page. */
async function firstStart(page: DevtoolsPage): Promise<void> {
  const seen = new Set<string>();
  await until(async () => {
    seen.add((await says(page, 'Training engine')).split('\n').at(-1)!);
    const { state, problem } = await page.ask<{ state: string; problem: { message: string } | null }>('engine.get');
    if (state === 'missing' && problem) throw new Error(problem.message);
    return state === 'ready';
  }, 'TensorFlow', 25 * MINUTES);
  const lines = [...seen].filter(Boolean);
  must(lines.some((line) => line.startsWith('Downloading')) && lines.some((line) => line.startsWith('Unpacking')), `the page showed how the installation went on: ${lines.length} states, such as "${lines[Math.floor(lines.length / 2)]}"`);
  await until(async () => await says(page, 'Training engine') === '', 'the start page to say no more', MINUTES);
}

interface Run { id: string; name: string; state: string; step: number; backend: string | null; lpl_enabled: boolean; error: { message: string; hint: string } | null }
const pictureCount = (page: DevtoolsPage): Promise<number> => page.evaluate(() => [...document.querySelectorAll<HTMLImageElement>('section[aria-label="Sample pictures"] img')].filter((img) => img.naturalWidth > 0).length, null);
const curve = (page: DevtoolsPage): Promise<string> => page.evaluate(() => document.querySelector<HTMLCanvasElement>('section[aria-label="Curves"] canvas')?.toDataURL() ?? '', null);
const readable = (page: DevtoolsPage, text: RegExp, what: string, minutes: number): Promise<boolean> => until(() => page.evaluate((source) => new RegExp(source).test(document.querySelector<HTMLElement>('main')!.innerText), text.source), what, minutes * MINUTES);

/** On the page of a run that trains: its curve is drawn anew, its pictures come. */
async function watchRun(page: DevtoolsPage, sentence: RegExp): Promise<void> {
  await readable(page, sentence, String(sentence), 10);
  const drawn = new Set<string>();
  await until(async () => { drawn.add(await curve(page)); return drawn.size > 5; }, 'the curve to move', 3 * MINUTES);
  await until(async () => await pictureCount(page) > 0, 'sample pictures', 5 * MINUTES);
  must(true, `the run's page says ${String(sentence)}, its curve moves, ${await pictureCount(page)} sample pictures stand there`);
}

/** The demo, by clicks alone, to its numbers. `keep` takes pictures of the window. */
async function demo(page: DevtoolsPage, keep: (name: string) => Promise<void>): Promise<void> {
  await keep('start');
  await page.click('button', 'Run the demo');
  await page.click('main a', 'seed 1', MINUTES);
  await watchRun(page, /Training without LPL, step \d/);
  await keep('baseline');
  await page.click('nav a', 'Compare');
  await page.click('main a', /^Demo: did LPL help/);
  await page.click('main .arm:nth-child(2) a', 'seed 1');
  await watchRun(page, /Training with LPL, step \d/);
  await readable(page, /Finished 150 steps/, 'the end of the LPL run', 10);
  must(await pictureCount(page) === 24, '24 sample pictures stand in its grid: 4 prompts, 2 seeds, 3 steps');
  await keep('lpl');
  await page.click('nav a', 'Compare');
  await page.click('main a', /^Demo: did LPL help/);
  const runs = await until(async () => {
    const all = await page.ask<Run[]>('runs.list');
    const failed = all.find((r) => r.state === 'failed' || r.state === 'lost');
    if (failed) throw new Error(`${failed.name} ended: ${failed.error?.message} ${failed.error?.hint}`);
    return all.length === 3 && all.every((r) => r.state === 'finished' && r.step === 150) && all;
  }, 'all three runs', 20 * MINUTES);
  must(runs.every((r) => r.backend === 'tensorflow'), 'all three arms were trained on TensorFlow');
  await page.click('[role="tab"]', 'Numbers');
  await readable(page, /KID/, 'the numbers', 10);
  await keep('numbers');
  say(`the verdict: ${(await page.evaluate(() => document.querySelector<HTMLElement>('main .verdict')!.innerText, null)).trim()}`);
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { pictures: { type: 'string' } } });
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
  const keep = async (name: string): Promise<void> => { if (values.pictures) writeFileSync(join(values.pictures, `${name}.png`), await app.page.picture()); };
  try {
    say('the window is there');
    await firstStart(app.page);
    await demo(app.page, keep);
    say(`${megabytesIn(join(home, '.local', 'share', 'lpl-studio'))} MB lie in the data folder`);
    must(await app.close() === 0, 'it closes when it is told to');
  } catch (error) { console.error(app.log()); throw error; } finally { app.kill(); }
  must(stateOf(folder) === before, 'nothing in the app\'s own folder has changed');
  const outside = strays(home);
  must(outside.length === 0, `nothing was written outside the data folder${outside.length > 0 ? `: ${outside.slice(0, 8).join(', ')}` : ''}`);
} finally { rmSync(work, { recursive: true, force: true, maxRetries: 5 }); }
