/**
 * How quickly the window answers while a run streams: node tests/renderer/measureInteraction.ts [seconds]
 * 50 metrics × 10 steps/s over the fake core, 400 sample pictures on the page, a click or a key every 300 ms. Prints the
 * 95th percentile of "interaction to next paint" (PerformanceObserver "event") and the JavaScript heap at start and end.
 */
import { launchBrowser } from './harness/browser.ts';
import { buildHarness, serveFolder } from './harness/build.ts';

const seconds = Number(process.argv[2] ?? 30);
const { url, close } = await serveFolder(await buildHarness());
const browser = await launchBrowser();
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
const session = await page.context().newCDPSession(page);
await page.goto(`${url}/?scenario=full&theme=dark#/runs/live`);
await page.waitForSelector('[data-at]');

await page.evaluate(() => {
  const { fake } = window;
  const names = Array.from({ length: 50 }, (_, i) => (i < 3 ? ['loss', 'diffusion_loss', 'lpl_loss'][i]! : `lpl/layer_${i}`));
  const samples = (fake.answers['samples.list']!({ run_id: 'live' }) as { id: string; seed: number }[]);
  fake.answers['samples.list'] = () => Array.from({ length: 400 }, (_, i) => ({ ...samples[i % samples.length]!, id: `s${i}`, seed: Math.floor(i / samples.length) * 2 + samples[i % samples.length]!.seed })) as never;
  let step = 412;
  fake.answers['metrics.names'] = () => names.map((name) => ({ name, points: step, last_step: step, last: 0.1 }));
  fake.answers['metrics.series'] = (p) => p.names.map((name) => { const from = Math.max(1, p.from ?? 0); const steps = Array.from({ length: Math.min(1200, Math.max(0, step - from + 1)) }, (_, i) => from + i); return { name, total: steps.length, steps, values: steps.map((s) => Math.sin(s / 40) + 2) }; });
  const times: number[] = [];
  new PerformanceObserver((list) => { for (const e of list.getEntries()) if ((e as PerformanceEventTiming).interactionId) times.push(e.duration); }).observe({ type: 'event', durationThreshold: 16, buffered: true } as PerformanceObserverInit);
  Object.assign(window, { times });
  setInterval(async () => {
    step += 1;
    const run = (await fake.invoke('runs.get', { id: 'live' }) as { result: object }).result;
    const metrics = Object.fromEntries(names.map((name) => [name, Math.random()]));
    fake.emit('run.events', { run_id: 'live', events: [{ n: step + 1000, at: Date.now(), type: 'step', step, metrics, seconds: 0.1, images_per_s: 8, eta_s: 100, memory: { rss_mb: 2000, peak_rss_mb: 2100, tensors: 900 } }] });
    fake.emit('runs.changed', { run: { ...run, step, stage: null } as never });
  }, 100);
});
await page.evaluate(() => { window.fake.emit('run.events', { run_id: 'live', events: [{ n: 999, at: 1, type: 'sample', step: 400, file: 'x', prompt: 'x', negative_prompt: '', prompt_index: 0, seed: 1, ema: false, width: 64, height: 64, sha256: 'a' }] }); });

await session.send('Performance.enable', { timeDomain: 'threadTicks' });
/** processor time of the page's main thread so far, in seconds */
const busy = async (): Promise<number> => ((await session.send('Performance.getMetrics')) as { metrics: { name: string; value: number }[] }).metrics.find((m) => m.name === 'TaskDuration')?.value ?? Number.NaN;
const heap = async (): Promise<number> => { await session.send('HeapProfiler.collectGarbage'); return ((await session.send('Runtime.getHeapUsage')) as { usedSize: number }).usedSize / 1e6; };
await page.waitForTimeout(2_000);
const before = await heap();
const [busyBefore, began] = [await busy(), Date.now()];
const tabs = ['LPL by layer', 'Loss', 'Speed', 'All', 'Loss'];
for (let i = 0, end = Date.now() + seconds * 1000; Date.now() < end; i += 1) {
  if (i % 2) await page.getByRole('tab', { name: tabs[(i >> 1) % tabs.length]! }).click();
  else { await page.locator('[data-at]').nth(i % 40).focus(); await page.keyboard.press('ArrowDown'); }
  await page.waitForTimeout(300);
}
const share = ((await busy()) - busyBefore) / ((Date.now() - began) / 1000);
const after = await heap();
const times = (await page.evaluate(() => (window as unknown as { times: number[] }).times)).sort((a, b) => a - b);
console.log(JSON.stringify({ interactions: times.length, p50_ms: times[Math.floor(times.length * 0.5)], p95_ms: times[Math.floor(times.length * 0.95)], max_ms: times.at(-1), main_thread_share: Number(share.toFixed(3)), heap_mb_before: Number(before.toFixed(1)), heap_mb_after: Number(after.toFixed(1)) }));
await browser.close();
close();
