/**
 * How the app bears many metrics: `node scripts/node24.mjs tests/e2e/measureMetrics.ts [seconds] [metrics] [burst]`, after a build. A scripted training
 * sends `burst` steps of `metrics` values every 10 ms over the real path (journal, IPC, recorder, SQLite) while a real Chromium page shows the
 * live run and is clicked and typed at. Then a run of 1,000,000 rows (20,000 steps × 50) is opened and zoomed. Prints numbers, is never a test.
 */
import Database from 'better-sqlite3';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { httpCore, remove, scripted, until } from '../api/helpers.ts';
import { chromiumFlags } from './apps.ts';

const [seconds, metrics, burst] = [Number(process.argv[2] ?? 20), Number(process.argv[3] ?? 97), Number(process.argv[4] ?? 14)];
const pause = (ms: number): Promise<void> => new Promise((r) => setTimeout(r, ms));
const at = (sorted: number[], share: number): number => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN);

/** In the page: durations from an event to the next paint, and how late a timer of 50 ms comes (the main thread busy). */
const watch = (page: Page): Promise<void> => page.evaluate(() => {
  const seen = { paints: [] as number[], late: [] as number[] };
  new PerformanceObserver((list) => { for (const e of list.getEntries()) if ((e as PerformanceEventTiming).interactionId) seen.paints.push(e.duration); }).observe({ type: 'event', durationThreshold: 16 } as PerformanceObserverInit);
  let last = performance.now();
  setInterval(() => { const now = performance.now(); seen.late.push(Math.max(0, now - last - 50)); last = now; }, 50);
  Object.assign(window, { seen });
});
const seen = (page: Page): Promise<{ paints: number[]; late: number[] }> => page.evaluate(() => (window as never as { seen: { paints: number[]; late: number[] } }).seen);
async function report(page: Page, what: string, more: object, actions: number): Promise<void> {
  const { paints, late } = await seen(page);
  for (const list of [paints, late]) list.sort((a, b) => a - b);
  // interactions under 16 ms are not reported by the browser: they count as fast ones
  const all = [...Array.from({ length: Math.max(0, actions - paints.length) }, () => 0), ...paints];
  console.log(JSON.stringify({ what, ...more, actions, paint_p50_ms: at(all, 0.5), paint_p95_ms: at(all, 0.95), paint_max_ms: at(all, 1), main_thread_late_p95_ms: at(late, 0.95), late_max_ms: at(late, 1) }));
}

const core = await httpCore();
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: chromiumFlags });
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(core.url!);
  const open = (id: string): Promise<unknown> => page.goto(`${new URL(core.url!).origin}/#/runs/${id}`);
  const { id, folder } = await core.call('runs.create', { config: scripted(core.dataDir, { steps: 10_000_000, ms: 10, burst, metrics }), start: true });
  await until(async () => (await core.call('runs.get', { id })).step > 0, 'a step');
  await open(id);
  await page.locator('canvas').first().waitFor();
  await pause(2_000);
  await watch(page);
  const [step0, t0] = [(await core.call('runs.get', { id })).step, performance.now()];
  const tabs = ['LPL by layer', 'Loss', 'Speed', 'All', 'Loss'];
  let actions = 0;
  for (; performance.now() - t0 < seconds * 1000; actions++) {
    if (actions % 2) await page.getByRole('tab', { name: tabs[(actions >> 1) % tabs.length]! }).click();
    else { await page.locator('[role=img][tabindex="0"]').first().focus(); await page.keyboard.press('ArrowLeft'); }
    await pause(250);
  }
  const elapsed = (performance.now() - t0) / 1000;
  const steps = (await core.call('runs.get', { id })).step - step0;
  await core.call('runs.kill', { id });
  const stopped = await until(async () => { const r = await core.call('runs.get', { id }); return r.state === 'stopped' && r; }, 'the end');
  const journal = readFileSync(join(folder, 'events.jsonl'), 'utf8').split('\n').length - 1;
  const db = new Database(join(core.dataDir, 'studio.sqlite'), { readonly: true });
  const rows = db.prepare('SELECT count(*) FROM metrics').pluck().get();
  db.close();
  await report(page, 'live run', { rows_per_s: Math.round((steps * (metrics + 3)) / elapsed), rows, seconds: Math.round(elapsed), journal_events: journal, taken_in: stopped.last_event }, actions);
  console.log(core.stderr().split('\n').filter((l) => /slow/.test(l)).slice(-5).join('\n'));

  const big = await core.call('runs.create', { config: scripted(core.dataDir, { steps: 20_000, ms: 0, metrics: 47 }), start: true });
  await until(async () => (await core.call('runs.get', { id: big.id })).state === 'finished', 'the run of a million rows', 240_000);
  await page.goto(`${new URL(core.url!).origin}/#/runs`);
  await pause(1_000);
  const began = await page.evaluate((run) => { const t = performance.now(); location.hash = `#/runs/${run}`; return t; }, big.id);
  await page.locator('canvas').first().waitFor();
  await page.waitForFunction(() => /(loss|step) ?[\d,.]/i.test(document.querySelector('figure')?.textContent ?? ''));
  const opened = await page.evaluate((t) => new Promise<number>((r) => { requestAnimationFrame(() => setTimeout(() => r(performance.now() - t))); }), began);
  await watch(page);
  const chart = page.locator('[role=img][tabindex="0"]').first();
  await chart.focus();
  const zooms = ['+', '+', '+', '+', '-', '-', '+', '+', '+', '+', '+', '-', '-', '-', '0', '+', '+', '+', '-', '0'];
  for (const key of zooms) { await page.keyboard.press(key); await pause(200); }
  await report(page, 'run of 1,000,000 rows', { opened_ms: Math.round(opened) }, zooms.length);
} finally { await browser.close(); await core.close(); remove(core.dataDir); }
