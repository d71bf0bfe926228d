/**
 * How the app bears many metrics: `node scripts/node24.mjs tests/e2e/measureMetrics.ts [seconds] [metrics] [burst]`, after a build. A scripted training
 * sends `burst` steps of `metrics` values every 10 ms over the real path (journal, IPC, recorder, SQLite) while a real Chromium page shows the
 * live run and is clicked and typed at. Then a run of 1,000,000 rows (20,000 steps × 50) is opened and zoomed. Prints numbers, is never a test.
 */
import Database from 'better-sqlite3';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { httpCore, remove, scripted, until } from '../api/helpers.ts';
import { chromiumFlags } from './apps.ts';

const [seconds, metrics, burst] = [Number(process.argv[2] ?? 20), Number(process.argv[3] ?? 97), Number(process.argv[4] ?? 14)];
const pause = (ms: number): Promise<void> => new Promise((r) => setTimeout(r, ms));
const at = (sorted: number[], share: number): number => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN);

/** By interaction (a click or a key with all its events): the longest until a handler began (input delay) and until the next paint, ms. */
interface Seen { interactions: Record<number, { delay: number; paint: number }>; late: number[] }
/** In the page: the interactions, and how late a timer of 50 ms comes (the main thread busy). */
const watch = (page: Page): Promise<void> => page.evaluate(() => {
  const seen = { interactions: {} as Record<number, { delay: number; paint: number }>, late: [] as number[] };
  new PerformanceObserver((list) => {
    for (const e of list.getEntries() as PerformanceEventTiming[]) {
      if (!e.interactionId) continue;
      const i = seen.interactions[e.interactionId] ??= { delay: 0, paint: 0 };
      i.delay = Math.max(i.delay, e.processingStart - e.startTime);
      i.paint = Math.max(i.paint, e.duration);
    }
  }).observe({ type: 'event', durationThreshold: 16 } as PerformanceObserverInit);
  let last = performance.now();
  setInterval(() => { const now = performance.now(); seen.late.push(Math.max(0, now - last - 50)); last = now; }, 50);
  Object.assign(window, { seen });
});
const seen = (page: Page): Promise<Seen> => page.evaluate(() => (window as never as { seen: Seen }).seen);
async function report(page: Page, what: string, more: object, actions: number): Promise<void> {
  const { interactions, late } = await seen(page);
  const reported = Object.values(interactions);
  const spread = (name: string, list: number[]): object => { list.sort((a, b) => a - b); return { [`${name}_p50_ms`]: at(list, 0.5), [`${name}_p95_ms`]: at(list, 0.95), [`${name}_max_ms`]: at(list, 1) }; };
  // interactions under 16 ms are not reported by the browser: they count as fast ones
  const fast = Array.from({ length: Math.max(0, actions - reported.length) }, () => 0);
  console.log(JSON.stringify({ what, ...more, actions, reported: reported.length, ...spread('input_delay', [...fast, ...reported.map((i) => i.delay)]), ...spread('paint', [...fast, ...reported.map((i) => i.paint)]), ...spread('main_thread_late', late) }));
}

/** CPU seconds that each kind of process has used so far, from Linux's counters (100 ticks a second). */
function cpuSeconds(coreId: number): Record<string, number> {
  const used: Record<string, number> = {};
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8'), stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
      const kind = Number(pid) === coreId ? 'core' : command.includes('fakeTrainer') ? 'trainer' : command.includes('chromium') ? `browser ${/--type=([\w-]+)/.exec(command)?.[1] ?? 'main'}` : undefined;
      if (kind) used[kind] = (used[kind] ?? 0) + (Number(stat[11]) + Number(stat[12])) / 100;
    } catch { /* it has just ended */ }
  }
  return used;
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
  const cpu0 = cpuSeconds(core.process.pid!);
  const tabs = ['LPL', 'Loss', 'Speed', 'All', 'Loss'];
  let actions = 0;
  for (; performance.now() - t0 < seconds * 1000; actions++) {
    if (actions % 2) await page.getByRole('tab', { name: tabs[(actions >> 1) % tabs.length]! }).click();
    else { await page.locator('[role=img][tabindex="0"]').first().focus(); await page.keyboard.press('ArrowLeft'); }
    await pause(250);
  }
  const elapsed = (performance.now() - t0) / 1000;
  const cpu = Object.fromEntries(Object.entries(cpuSeconds(core.process.pid!)).map(([kind, s]) => [kind, Number(((s - (cpu0[kind] ?? 0)) / elapsed).toFixed(2))]));
  const steps = (await core.call('runs.get', { id })).step - step0;
  await core.call('runs.kill', { id });
  const stopped = await until(async () => { const r = await core.call('runs.get', { id }); return r.state === 'stopped' && r; }, 'the end');
  const journal = readFileSync(join(folder, 'events.jsonl'), 'utf8').split('\n').length - 1;
  const db = new Database(join(core.dataDir, 'studio.sqlite'), { readonly: true });
  const rows = db.prepare('SELECT count(*) FROM metrics').pluck().get();
  db.close();
  await report(page, 'live run', { rows_per_s: Math.round((steps * (metrics + 3)) / elapsed), rows, seconds: Math.round(elapsed), journal_events: journal, taken_in: stopped.last_event, cpu }, actions);
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
