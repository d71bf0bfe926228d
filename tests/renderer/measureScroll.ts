/**
 * Measures the grid of a large data set in Chromium over the real core: `node tests/renderer/measureScroll.ts FOLDER [DATA]`. Imports FOLDER into the data folder
 * DATA when it is not there yet, opens the data set anew, and scrolls through it: time to the grid and its pictures, frame times, memory.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { httpCore } from '../api/helpers.ts';
import { launchBrowser } from './harness/browser.ts';

const [folder, dataDir = join(tmpdir(), 'lpl-scroll')] = process.argv.slice(2);
if (!folder) throw new Error('Name a folder of pictures.');
mkdirSync(dataDir, { recursive: true });
const core = await httpCore(dataDir);
const rss = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${core.process.pid}/status`, 'utf8'))![1]) / 1000;

async function dataset(): Promise<string> {
  const known = (await core.call('datasets.list', {})).find((d) => d.origin === folder && d.scanned_at !== null);
  if (known) return known.id;
  const { job_id, dataset_id } = await core.call('datasets.import', { paths: [folder!] });
  for (let job = await core.call('jobs.get', { id: job_id }); job.state === 'running'; job = await core.call('jobs.get', { id: job_id })) {
    process.stderr.write(`\r${job.text} ${job.done}/${job.total}, ${Math.round(job.eta_s ?? 0)} s left, ${rss().toFixed(0)} MB   `);
    await new Promise((r) => setTimeout(r, 1_000));
  }
  return dataset_id;
}

const id = await dataset();
if (process.argv[4] === 'import') { await core.close(); process.exit(0); }
const browser = await launchBrowser();
const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
await page.goto(core.url!);
await page.waitForSelector('main > *');
const opened = await page.evaluate(async (target) => {
  const start = performance.now();
  location.hash = `#/datasets/${target}`;
  const look = async (ok: () => boolean): Promise<number> => { while (!ok()) await new Promise(requestAnimationFrame); return performance.now() - start; };
  const grid = await look(() => document.querySelectorAll('[role="option"]').length > 10);
  const pictures = await look(() => { const all = [...document.querySelectorAll<HTMLImageElement>('[role="option"] img')]; return all.length > 10 && all.every((i) => i.complete && i.naturalWidth > 0); });
  return { grid, pictures };
}, id);
console.log(`opening: grid after ${opened.grid.toFixed(0)} ms, all pictures in sight after ${opened.pictures.toFixed(0)} ms (limit 1000); core ${rss().toFixed(0)} MB`);

/** Frame times while the wheel turns for so long, `by` px every 16 ms. */
async function scroll(by: number, ms: number): Promise<void> {
  const frames = await page.evaluate(async ([step, length]) => {
    const list = document.querySelector<HTMLElement>('[role="listbox"][aria-label="Pictures"]')!;
    const times: number[] = [], end = performance.now() + length!;
    let blank = 0;
    for (let last = performance.now(); last < end;) {
      list.scrollBy(0, step!);
      const now = await new Promise<number>(requestAnimationFrame);
      times.push(now - last);
      last = now;
      const cells = [...document.querySelectorAll('[role="option"]')];
      if (cells.length === 0 || cells.every((c) => c.textContent === 'loading')) blank++;
    }
    return { times: times.sort((a, b) => a - b), blank, at: list.scrollTop };
  }, [by, ms] as const);
  const at = (share: number): string => frames.times[Math.min(frames.times.length - 1, Math.floor(share * frames.times.length))]!.toFixed(1);
  console.log(`scrolling ${by} px a frame: ${frames.times.length} frames, median ${at(0.5)} ms, p95 ${at(0.95)}, p99 ${at(0.99)}, longest ${at(1)}; ${frames.blank} without any picture's facts; ended at ${frames.at.toFixed(0)} px; core ${rss().toFixed(0)} MB`);
}
await scroll(40, 5_000);
await scroll(400, 5_000);
await browser.close();
await core.close();
