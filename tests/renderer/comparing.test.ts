/** The page of a comparison and its place in the queue, in a real browser over the fake core, by keyboard alone where one can. */
import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser } from './harness/browser.ts';
import { buildHarness, serveFolder } from './harness/build.ts';

const SOON = { timeout: 60_000 };
let browser: Browser, page: Page, url = '', close: () => void;
const problems: string[] = [];
beforeAll(async () => {
  ({ url, close } = await serveFolder(await buildHarness()));
  browser = await launchBrowser();
  page = await (await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' })).newPage();
  page.on('pageerror', (e) => problems.push(e.message));
}, 300_000);
afterAll(async () => { await browser?.close(); close?.(); expect(problems).toEqual([]); });

async function open(path: string, scenario = 'comparing'): Promise<void> {
  await page.goto('about:blank');
  await page.goto(`${url}/?scenario=${scenario}&theme=dark#${path}`);
  await page.waitForSelector('main > *');
}
const calls = (method: string): Promise<unknown[]> => page.evaluate((m) => window.fake.calls.filter((c) => c.method === m).map((c) => c.params), method);
const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '');
async function tabTo(name: string): Promise<void> {
  for (let i = 0; i < 80; i += 1) {
    await page.keyboard.press('Tab');
    if ((await focused()).trim() === name) return;
  }
  throw new Error(`The keyboard does not reach ${name}`);
}
const sources = (selector: string): Promise<string[]> => page.locator(selector).evaluateAll((all) => all.map((i) => (i as HTMLImageElement).src));
const style = (what: string): Promise<string[]> => page.locator('.frame img').evaluateAll((all, w) => all.map((i) => (i as HTMLElement).style.getPropertyValue(w)), what);

describe('the queue', () => {
  it('has a comparison as one row, with its part, its steps and one time left; the status bar tells the same', async () => {
    await open('/runs');
    const row = page.getByRole('row', { name: /Kitchen: LPL weight 2.*arm 2 of 3, seed 1 of 2, step 412 of 1,500/ });
    await row.getByText('1 h 12 min').waitFor();
    expect(await row.getByText('4 runs left').count()).toBe(1);
    expect(await page.getByRole('row', { name: /seed 43/ }).count()).toBe(1); // the finished one; those that wait are not listed besides
    const bar = page.getByRole('contentinfo', { name: 'Status' }).getByRole('link', { name: /arm 2 of 3, seed 1 of 2 · step 412/ });
    expect(await bar.getAttribute('href')).toBe('#/compare/running');
    await bar.getByText('1 h 12 min left').waitFor();
  });
  it('pauses and stops it as a whole, by keyboard', async () => {
    await open('/runs');
    await page.getByRole('row', { name: /Kitchen/ }).first().waitFor();
    await tabTo('Pause: Kitchen: LPL weight 2');
    await page.keyboard.press('Enter');
    await expect.poll(() => calls('comparisons.pause'), SOON).toEqual([{ id: 'running' }]);
    await tabTo('Stop: Kitchen: LPL weight 2…');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await tabTo('Save and stop');
    await page.keyboard.press('Enter');
    await expect.poll(() => calls('comparisons.stop'), SOON).toEqual([{ id: 'running', save: true }]);
    await tabTo('Go on: Ceramics, three seeds');
    await page.keyboard.press('Enter');
    await expect.poll(() => calls('comparisons.start'), SOON).toEqual([{ id: 'paused' }]);
  });
  it('moves it as a whole, and asks for the time left again while it trains', async () => {
    await open('/runs');
    await page.getByRole('row', { name: /Kitchen.*arm 2 of 3/ }).waitFor();
    await page.evaluate(() => {
      const list = window.fake.answers['queue.list']!;
      window.fake.answers['queue.list'] = async () => { const q = await list({}); return { ...q, entries: [...q.entries.slice(1), { ...q.entries[0]!, run_ids: ['running-2-0', 'running-2-1'], state: 'waiting', part: 'arm 3 of 3, seed 1 of 2' }] }; };
      window.fake.emit('queue.changed', {});
    });
    await page.getByRole('row', { name: /Kitchen.*arm 3 of 3/ }).waitFor();
    await page.getByRole('button', { name: 'Kitchen: LPL weight 2: earlier' }).click();
    await expect.poll(() => calls('queue.reorder'), SOON).toEqual([{ ids: ['wait1', 'running', 'wait2'] }]);
    await open('/runs');
    await page.getByRole('row', { name: /Kitchen.*step 412/ }).waitFor();
    expect(await calls('queue.list')).toHaveLength(1);
    await page.evaluate(async () => { const run = (await window.fake.answers['runs.list']!({})).find((r) => r.id === 'running-1-0')!; window.fake.emit('runs.changed', { run: { ...run, step: 413 } }); });
    await page.getByRole('row', { name: /step 413 of 1,500/ }).waitFor();
    await expect.poll(async () => (await calls('queue.list')).length, SOON).toBe(2);
  });
});

describe('pictures', () => {
  it('are there for every training seed: chosen by menu or keys, and all of them in grids of their own', async () => {
    await open('/compare/better');
    const chooser = page.getByLabel('Training seed');
    await page.locator('.frame img').first().waitFor();
    expect(await chooser.locator('option').allTextContents()).toEqual(['Training seed 42', 'Training seed 43', 'Training seed 44']);
    const before = await sources('.frame img');
    await page.keyboard.press('.');
    expect(await chooser.inputValue()).toBe('1');
    await page.keyboard.press('.');
    expect(await chooser.inputValue()).toBe('2');
    await expect.poll(async () => (await sources('.frame img'))[1] === before[1], SOON).toBe(false);
    await page.keyboard.press(',');
    await page.keyboard.press(',');
    expect(await chooser.inputValue()).toBe('0');
    await page.keyboard.press('t');
    const grid = page.getByRole('region', { name: 'All pictures of this step' });
    await grid.getByText('Training seed 44 · Baseline again: 1000047').waitFor();
    expect(await grid.getByRole('button', { name: /a red apple, blob style, seed 1, LPL, weight 1/ }).count()).toBe(3);
    await grid.getByRole('button', { name: /a green frog, seed 2, LPL, weight 1, training seed 43: open/ }).click();
    expect(await chooser.inputValue()).toBe('1');
    await page.getByText('a green frog', { exact: true }).waitFor();
  });
  it('that an arm has not drawn yet are said to be missing, whole words only', async () => {
    await open('/compare/running');
    await page.locator('.frame img').first().waitFor();
    await page.keyboard.press('.');
    await page.getByText('not drawn yet').waitFor();
    expect(await page.locator('.frame img').count()).toBe(1);
    for (const split of [50, 90, 10]) {
      await page.getByLabel('Slider between the arms').fill(String(split));
      const box = async (selector: string) => (await page.locator(selector).boundingBox())!;
      await expect.poll(async () => Math.round((await box('.frame .none')).x), SOON).toBe(Math.round(((f) => f.x + (f.width * split) / 100)(await box('.frame[role=presentation]')))); // in its own part …
      expect(await page.locator('.frame .none').evaluate((e) => getComputedStyle(e).clipPath + getComputedStyle(e.parentElement!).clipPath)).toBe('nonenone'); // … and clipped by nothing
    }
    for (const [key, name] of [['b', 'Blink'], ['d', 'Difference']] as const) {
      await page.keyboard.press(key);
      await page.getByRole('radio', { name, exact: true, checked: true }).waitFor();
      await page.getByText('“LPL, weight 1” has not drawn this one yet.').waitFor();
    }
  });
  it('zoom and move in every arm at once, step by step through training, and show detail at 1:1, by keys alone', async () => {
    await open('/compare/better');
    await page.locator('.frame img').first().waitFor();
    await page.keyboard.press('v');
    await page.keyboard.press('[');
    await page.keyboard.press('[');
    await page.getByText(/^step 1,000/).waitFor();
    expect(await page.locator('.frame img').count()).toBe(3);
    await page.keyboard.press('+');
    await page.keyboard.press('Shift+ArrowRight');
    await page.keyboard.press('Shift+ArrowUp');
    expect(await style('transform')).toEqual(Array(3).fill('scale(2)'));
    expect(await style('transform-origin')).toEqual(Array(3).fill('60% 40%'));
    await page.keyboard.press('o');
    await page.getByRole('radio', { name: 'Detail 1:1', checked: true }).waitFor();
    expect(await page.locator('.frame img').evaluateAll((all) => all.map((i) => getComputedStyle(i).objectFit + i.style.transform))).toEqual(Array(3).fill('none'));
    expect(await style('object-position')).toEqual(Array(3).fill('60% 40%'));
    const before = await sources('.frame img');
    await page.keyboard.press('ArrowRight');
    await expect.poll(async () => (await sources('.frame img')).join() === before.join(), SOON).toBe(false);
  });
  it('are laid over each other as black where they are equal', async () => {
    await open('/compare/better');
    await page.locator('.frame img').first().waitFor();
    await page.keyboard.press('d');
    await page.getByText('Absolute difference').waitFor();
    const shown = async (): Promise<number> => (await (await import('sharp')).default(await page.locator('.frame[role=presentation]').screenshot()).stats()).channels[0]!.mean;
    expect(await shown()).toBeLessThan(1); // at the last step both are drawn clear
    for (let i = 0; i < 5; i += 1) await page.keyboard.press('[');
    await page.getByText(/^step 250/).waitFor();
    expect(await shown()).toBeGreaterThan(5);
  });
});

describe('the vote', () => {
  it('before anything is measured says what to do, and offers nothing to end or forget', async () => {
    await open('/compare/paused?tab=vote');
    const panel = page.getByRole('tabpanel');
    await panel.getByRole('heading', { name: 'Votes need measured pictures' }).waitFor();
    expect((await panel.getByRole('button').allTextContents()).map((t) => t.trim())).toEqual(['Measure']);
    expect(await calls('votes.result')).toEqual([]);
    await panel.getByRole('button', { name: 'Measure' }).click();
    await expect.poll(() => calls('comparisons.evaluate'), SOON).toEqual([{ id: 'paused' }]);
    await open('/compare/waiting?tab=vote'); // nothing trained, nothing to measure
    expect(await panel.getByRole('button', { name: 'Measure' }).isDisabled()).toBe(true);
  });
  it.each([[0.67, 0.21, 0.94, 'These votes do not show a preference.'], [0.9, 0.6, 0.98, 'LPL, weight 1 was preferred.'], [0.12, 0.04, 0.4, 'Baseline was preferred.']])('shows a share of %f at its place on the gauge, with its interval', async (share, low, high, sentence) => {
    await open('/compare/cmp?tab=vote');
    await page.evaluate((s) => { const result = window.fake.answers['votes.result']!; window.fake.answers['votes.result'] = async (p) => ({ ...await result(p), share: { ...s, n: 30 } }); }, { share, low, high });
    await page.getByRole('button', { name: 'End and unblind' }).click();
    await page.getByRole('heading', { name: sentence }).waitFor();
    const at = async (selector: string): Promise<{ left: number; right: number; middle: number }> => page.locator('.scale').evaluate((scale, s) => {
      const whole = scale.getBoundingClientRect(), part = scale.querySelector(s)!.getBoundingClientRect(), of = (x: number): number => (x - whole.left) / whole.width;
      return { left: of(part.left), right: of(part.right), middle: of(part.left + part.width / 2) };
    }, selector);
    expect((await at('.dot')).middle).toBeCloseTo(share, 2);
    expect((await at('.range')).left).toBeCloseTo(low, 2);
    expect((await at('.range')).right).toBeCloseTo(high, 2);
    expect((await at('.half')).middle).toBeCloseTo(0.5, 2);
  });
});

describe('curves', () => {
  it('of very many points ask for a close look when zoomed into, and say that some are left out', async () => {
    await open('/compare/better?tab=curves');
    await page.getByText(/1,000,000 points; the drawing keeps the extremes/).waitFor();
    expect(await calls('comparisons.curves')).toEqual([{ id: 'better', metrics: ['val/loss'] }]);
    const chart = page.locator('.chart');
    const box = (await chart.boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.5, box.y + 200);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 200, { steps: 4 });
    await page.mouse.up();
    await expect.poll(async () => (await calls('comparisons.curves')).length, SOON).toBe(2);
    const [, close] = await calls('comparisons.curves') as { from: number; to: number; metrics: string[] }[];
    expect(close!.metrics).toEqual(['val/loss']);
    expect(close!.from).toBeGreaterThan(300_000);
    expect(close!.to - close!.from).toBeLessThan(200_000);
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.getByText(/1,000,000 points/).waitFor();
  });
});

describe('numbers', () => {
  it.each([
    ['better', 'LPL, weight 1 helped: its pictures come closer', 'by more than chance explains'], ['no-aa', 'cannot be judged yet', 'without an A/A arm nobody can say'],
    ['too-few', 'There are too few pictures to judge LPL, weight 1.', 'Hold 8 or more out of training'], ['identical', 'is identical to the baseline: the trained weights are the same, bit for bit', ''], ['cmp', 'may be chance', 'No difference that these data can show'],
  ])('%s: say first what it means', async (id, words, sentence) => {
    await open(`/compare/${id}?tab=numbers`);
    const verdict = page.locator('.verdict').nth(1);
    await verdict.waitFor();
    expect(await verdict.textContent()).toContain(words);
    expect(await verdict.textContent()).toContain(sentence);
  });
  it('save the spectrum as a drawing, a picture and as numbers', async () => {
    await open('/compare/better?tab=numbers');
    for (const [item, ending, begins] of [['SVG', 'svg', '<svg '], ['CSV', 'csv', 'line,cycles across the picture,value'], ['PNG', 'png', '\x89PNG']] as const) {
      await page.getByRole('button', { name: 'Save Power spectrum' }).click();
      const saved = page.waitForEvent('download');
      await page.getByRole('menuitem', { name: new RegExp(`^${item}`) }).click();
      const file = await saved;
      expect(file.suggestedFilename()).toBe(`Birds,-three-seeds-spectrum.${ending}`);
      expect(readFileSync(await file.path(), 'latin1').startsWith(begins)).toBe(true);
    }
  });
});

it('a failed arm is named, and the comparison goes on with one button', async () => {
  await open('/compare/failed-arm');
  await page.getByText('A run of “LPL, weight 1” ended with an error (step 3,300 of 4,500 in all).').waitFor();
  await tabTo('Go on');
  await page.keyboard.press('Enter');
  await expect.poll(() => calls('comparisons.start'), SOON).toEqual([{ id: 'failed-arm' }]);
});

describe('by keyboard alone', () => {
  it('a comparison is made from a form, with what differs shown before and a warning without A/A', async () => {
    await open('/runs/new?compare=1&dataset=kitchen&model=sdxl');
    await page.getByRole('button', { name: 'Compare…' }).focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Compare LPL with baseline' });
    await dialog.getByRole('cell', { name: 'Latent Perceptual Loss' }).waitFor();
    const box = dialog.getByRole('checkbox', { name: /A\/A/ });
    for (let i = 0; i < 20 && !(await box.evaluate((e) => e === document.activeElement)); i += 1) await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    await dialog.getByText('no verdict will be given').waitFor();
    await page.keyboard.press('Space');
    await tabTo('Start the comparison');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => location.hash === '#/compare/cmp');
    expect(await calls('comparisons.create')).toMatchObject([{ aa: true, seeds: 1, start: true, arms: [{ kind: 'baseline' }, { kind: 'lpl', lpl: { enabled: true } }] }]);
  });
  it('a comparison on a data set that holds too few pictures out says so before it is started, and how to mend it', async () => {
    for (const [held, words] of [[0, 'This run holds no pictures out, so no verdict can be given. Hold 8 or more out'], [5, 'holds only 5 pictures out'], [39, '']] as const) {
      await open('/compare');
      await page.evaluate((held_out) => {
        const summary = window.fake.answers['datasets.summary']!;
        window.fake.answers['datasets.summary'] = async (p) => ({ ...await summary(p), held_out: p.bucketing?.resolution === 1024 ? held_out : 99 });
        location.hash = '#/runs/new?compare=1&dataset=kitchen&model=sdxl';
      }, held);
      await page.getByRole('button', { name: 'Compare…' }).click();
      const dialog = page.getByRole('dialog', { name: 'Compare LPL with baseline' });
      await dialog.getByRole('cell', { name: 'Latent Perceptual Loss' }).waitFor();
      if (words) { await dialog.getByText(words).waitFor(); expect(await dialog.getByRole('link', { name: 'To the data set' }).getAttribute('href')).toBe('#/datasets/kitchen'); }
      else expect(await dialog.getByText('no verdict can be given').count()).toBe(0);
    }
  });
  it('pairs are judged without a word on which arm is which, and the result comes only at the end', async () => {
    await open('/compare/cmp?tab=vote');
    const panel = page.getByRole('tabpanel');
    for (const [n, key] of ['ArrowLeft', 'ArrowDown', 'ArrowRight'].entries()) {
      await panel.getByText(`${n} of 3 judged`).waitFor();
      const said = await panel.evaluate((e) => { const copy = e.cloneNode(true) as HTMLElement; copy.querySelectorAll('select').forEach((s) => s.remove()); return copy.outerHTML.replace(/src="[^"]*"/g, ''); });
      expect(said).not.toMatch(/baseline|lpl|\ba1\b|\ba2\b/i);
      expect(await calls('votes.result')).toEqual([]);
      await page.keyboard.press(key);
    }
    await panel.getByText(/3 votes: 2 for LPL, weight 1, 1 for Baseline/).waitFor();
    expect(await calls('votes.cast')).toEqual([{ vote_id: 'v0', choice: 'left' }, { vote_id: 'v1', choice: 'tie' }, { vote_id: 'v2', choice: 'right' }]);
  });
});
