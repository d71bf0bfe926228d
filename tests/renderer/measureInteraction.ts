/**
 * How quickly the window answers while a run streams, and whether its memory stays flat:
 *     node tests/renderer/measureInteraction.ts [seconds] [--still] [--speed N] [--harness FOLDER]
 * 50 metrics × 10 steps/s over the fake core, 400 sample pictures on the page, and a person who does something twice a second:
 * changes tabs, walks the pictures, sizes them, opens one, opens the palette and types. Prints for each kind and for all the
 * "interaction to next paint" (the longest PerformanceEventTiming of an interaction; those under 16 ms are not reported by the
 * browser and count as 16), and the JavaScript heap after garbage collection over time. --still: nobody touches anything;
 * --speed 6: six times the steps, so that ten minutes show an hour's.
 */
import { launchBrowser } from './harness/browser.ts';
import { buildHarness, serveFolder } from './harness/build.ts';
import { busy, heapOf, percentile, slopePerHour } from './harness/measures.ts';
import { stream } from './harness/stream.ts';

const args = process.argv.slice(2);
const seconds = Number(args.find((a, i) => /^\d+$/.test(a) && args[i - 1] !== '--speed') ?? 30);
const still = args.includes('--still');
const speed = args.includes('--speed') ? Number(args[args.indexOf('--speed') + 1]) : 1;
const built = args.includes('--harness') ? args[args.indexOf('--harness') + 1]! : await buildHarness();
const { url, close } = await serveFolder(built, !args.includes('--harness'));
const browser = await launchBrowser();
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
const session = await page.context().newCDPSession(page);
await page.goto(`${url}/?scenario=full&theme=dark#/runs/live`);
await page.waitForSelector('[data-at]');
await page.evaluate(stream, speed);
await page.waitForFunction(() => document.querySelectorAll('[data-at]').length === 400);
await session.send('Performance.enable', { timeDomain: 'threadTicks' });

const cell = (i: number) => page.locator(`[data-at="${i % 8},${40 + (i % 9)}"]`);
const tab = (name: string) => (): Promise<void> => page.getByRole('tab', { name }).click();
const actions: [string, (i: number) => Promise<unknown>][] = [
  ['tab: LPL by layer (47 curves)', tab('LPL')],
  ['arrow key in the pictures', async (i) => { await cell(i).focus(); await page.keyboard.press('ArrowUp'); }],
  ['tab: Loss', tab('Loss')],
  ['size of the pictures', async (i) => { await page.getByLabel('Size of the pictures').focus(); await page.keyboard.press(i % 2 ? 'ArrowRight' : 'ArrowLeft'); }],
  ['log axis', () => page.getByLabel('Log axis').click()],
  ['open a picture', async (i) => { await cell(i).focus(); await page.keyboard.press('Enter'); }],
  ['step in the viewer', () => page.keyboard.press('ArrowLeft')],
  ['close the picture', () => page.keyboard.press('Escape')],
  ['tab: Speed', tab('Speed')],
  ['open the palette', () => page.keyboard.press('Control+k')],
  ['type in the palette', () => page.keyboard.press('b')],
  ['close the palette', () => page.keyboard.press('Escape')],
  ['tab: All', tab('All')],
  ['menu', () => page.getByRole('button', { name: 'More' }).click()],
  ['close the menu', () => page.keyboard.press('Escape')],
];
const taken = (): Promise<number> => page.evaluate(() => { const w = window as never as { slowest: number }; const s = w.slowest; w.slowest = 0; return s; });

await page.waitForTimeout(3_000);
const durations = new Map<string, number[]>();
const began = Date.now();
const busyBefore = await busy(session);
const heaps: { s: number; mb: number }[] = [{ s: 0, mb: await heapOf(session) }];
for (let i = 0; Date.now() - began < seconds * 1000; i += 1) {
  if (still) await page.waitForTimeout(500);
  else {
    const [name, act] = actions[i % actions.length]!;
    await taken();
    await act(Math.floor(i / actions.length));
    await page.waitForTimeout(250); // the entry comes with the paint after it
    durations.set(name, [...(durations.get(name) ?? []), Math.max(16, await taken())]);
    await page.waitForTimeout(250);
  }
  const s = (Date.now() - began) / 1000;
  if (s - heaps.at(-1)!.s > Math.max(15, seconds / 20)) heaps.push({ s: Math.round(s), mb: await heapOf(session) });
}
const share = ((await busy(session)) - busyBefore) / ((Date.now() - began) / 1000);
const all = [...durations.values()].flat();
const of = (list: number[]) => ({ n: list.length, p50_ms: percentile(list, 0.5), p95_ms: percentile(list, 0.95), max_ms: Math.max(...list) });
if (!still) console.log(JSON.stringify(Object.fromEntries([...durations].map(([name, list]) => [name, of(list)])), null, 1));
console.log(JSON.stringify({ ...(still ? {} : of(all)), main_thread_share: Number(share.toFixed(3)), heap_mb: heaps.map((h) => Number(h.mb.toFixed(1))), heap_mb_per_hour: Number(slopePerHour(heaps).toFixed(1)), steps: await page.evaluate(() => (window as never as { stepsStreamed: number }).stepsStreamed) }));
await browser.close();
close();
