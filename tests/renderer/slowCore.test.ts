/** The page of a data set over a core that answers late: every key does what it would do on a fast machine, to the same pictures. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchBrowser } from './harness/browser.ts';
import { buildHarness, serveFolder } from './harness/build.ts';

const SOON = { timeout: 60_000 };
let browser: Browser, page: Page, url = '', close: () => void;
beforeAll(async () => {
  ({ url, close } = await serveFolder(await buildHarness()));
  browser = await launchBrowser();
  page = await browser.newPage({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
}, 300_000);
afterAll(async () => { await browser?.close(); close?.(); });

const grid = () => page.getByRole('listbox', { name: 'Pictures' });
const edits = (): Promise<unknown[]> => page.evaluate(() => window.fake.calls.filter((c) => c.method === 'datasets.edit').map((c) => c.params));
/** Answers of `method` to questions with `text` in them are kept back until the returned function is called. */
async function late(method: 'datasets.ids' | 'datasets.items' | 'datasets.item', text: string): Promise<() => Promise<void>> {
  await page.evaluate(([m, t]) => {
    const now = window.fake.answers[m] as (p: unknown) => unknown;
    let free = (): void => undefined;
    const freed = new Promise<void>((done) => { free = done; });
    Object.assign(window, { free });
    (window.fake.answers as Record<string, unknown>)[m] = async (p: unknown) => { if (JSON.stringify(p).includes(t)) await freed; return now(p); };
  }, [method, text] as const);
  return () => page.evaluate(() => (window as unknown as { free: () => void }).free());
}
async function filter(text: string): Promise<void> {
  await page.keyboard.press('/');
  await page.keyboard.press('Control+a');
  await page.keyboard.type(text);
  for (let i = 0; i < 20 && await grid().evaluate((e) => e !== document.activeElement); i++) await page.keyboard.press('Tab');
}
const asked = (query: string): Promise<void> => expect.poll(() => page.evaluate((q) => window.fake.calls.some((c) => c.method === 'datasets.ids' && (c.params as { query: string }).query === q), query), SOON).toBe(true);

beforeEach(async () => {
  await page.goto('about:blank');
  await page.goto(`${url}/?scenario=full&theme=dark#/datasets/kitchen`);
  await page.getByText('349 to train on').waitFor();
  await grid().focus();
});

describe('keys pressed before a filter is answered', () => {
  it('open the picture that it finds, and mirror it as trained', async () => {
    await page.keyboard.press('ArrowRight');
    const answer = await late('datasets.ids', 'wooden');
    await filter('wooden spoon');
    for (const key of ['ArrowRight', ' ']) await page.keyboard.press(key);
    const viewer = page.getByRole('dialog');
    await viewer.waitFor();
    for (const key of ['t', 'm']) await page.keyboard.press(key);
    expect(await viewer.locator('img').count()).toBe(0); // not the picture from before
    await answer();
    await viewer.getByText('2026/IMG_2002.jpg').waitFor();
    await viewer.locator('img.flipped[src*="media/cut/3"]').waitFor();
  });
  it('change only what it finds', async () => {
    const answer = await late('datasets.ids', 'IMG_200');
    await filter('IMG_200');
    for (const key of ['Control+a', 'x']) await page.keyboard.press(key);
    await asked('IMG_200');
    expect(await edits()).toEqual([]);
    await answer();
    await expect.poll(edits, SOON).toMatchObject([{ target: { ids: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] }, change: { kind: 'exclude' } }]);
  });
  it('come before the filter that is typed after them', async () => {
    const answer = await late('datasets.ids', 'IMG_200');
    await filter('IMG_2001');
    for (const key of ['ArrowRight', 'x']) await page.keyboard.press(key);
    await filter('IMG_2004');
    for (const key of ['ArrowRight', 'x', 'Control+z']) await page.keyboard.press(key);
    await answer();
    await expect.poll(edits, SOON).toMatchObject([{ target: { ids: [2] } }, { target: { ids: [5] } }]);
    await expect.poll(() => page.getByLabel('Filter', { exact: true }).inputValue(), SOON).toBe('IMG_2004');
    await grid().getByRole('option', { name: /^IMG_2004\.jpg(?!, excluded)/ }).waitFor();
    await page.getByText('348 to train on').waitFor();
  });
  it('do nothing when it finds an error instead', async () => {
    await page.keyboard.press('ArrowRight');
    const answer = await late('datasets.ids', 'tag:(');
    await filter('tag:(');
    for (const key of ['Control+a', 'x']) await page.keyboard.press(key);
    await answer();
    await page.getByText('A bracket is opened and not closed').waitFor();
    await expect.poll(() => grid().getAttribute('aria-busy'), SOON).toBe('false');
    expect(await edits()).toEqual([]);
  });
});

describe('keys that turn on a picture still on its way', () => {
  it('x twice leaves a picture as it was', async () => {
    await page.keyboard.press('ArrowRight');
    const answer = await late('datasets.items', 'kitchen');
    for (const key of ['x', 'x']) await page.keyboard.press(key);
    await expect.poll(edits, SOON).toMatchObject([{ change: { kind: 'exclude' } }, { change: { kind: 'include' } }]);
    await answer();
    await page.getByText('349 to train on').waitFor();
  });
  it('e leads to its caption, and what is typed then is no command', async () => {
    const answer = await late('datasets.items', '"offset":200');
    for (const key of ['ArrowRight', 'End', 'e']) await page.keyboard.press(key);
    await page.getByRole('combobox', { name: 'Add a tag' }).waitFor();
    await page.getByRole('complementary', { name: 'Selection' }).getByText('2026/IMG_2399.jpg').waitFor();
    await page.keyboard.type('box');
    expect(await page.getByRole('combobox', { name: 'Add a tag' }).inputValue()).toBe('box');
    expect(await edits()).toEqual([]);
    await answer();
  });
});

describe('pictures out of sight', () => {
  it('a selected one keeps its caption box while the list is read again', async () => {
    await page.keyboard.press('ArrowRight');
    await grid().evaluate((e) => { e.scrollTop = e.scrollHeight; });
    await grid().getByRole('option', { name: 'IMG_2399.jpg' }).waitFor();
    await page.keyboard.press('x');
    await page.getByText('348 to train on').waitFor();
    await page.waitForTimeout(300);
    await page.getByRole('complementary', { name: 'Selection' }).getByText('2026/IMG_2000.jpg').waitFor();
  });
  it('come when they are scrolled to while the list is read again', async () => {
    await page.keyboard.press('ArrowRight');
    const answer = await late('datasets.items', '"offset":0');
    await page.keyboard.press('x');
    await page.getByText('348 to train on').waitFor();
    await grid().evaluate((e) => { e.scrollTop = e.scrollHeight; });
    await page.waitForTimeout(300);
    await answer();
    await grid().getByRole('option', { name: 'IMG_2399.jpg' }).waitFor();
  });
});

it('Start pressed just after a setting was changed waits for what the core says of that, not of what was there before', async () => {
  await page.goto('about:blank');
  await page.goto(`${url}/?scenario=empty&theme=dark#/runs/new?dataset=kitchen`);
  await page.getByText(/advised for the model/).first().waitFor();
  await page.evaluate(() => {
    const answers = window.fake.answers as Record<string, (p: { config: { lpl: { enabled: boolean } } }) => unknown>, now = answers['runs.checkConfig']!;
    answers['runs.checkConfig'] = async (p) => {
      await new Promise((r) => setTimeout(r, 1_000));
      return p.config.lpl.enabled ? now(p) : { ok: false, errors: [{ path: 'data.dataset', message: 'There is no such folder.' }], warnings: [] };
    };
  });
  await page.getByLabel('Name', { exact: true }).fill('Quick');
  await page.getByLabel('Steps', { exact: true }).fill('20');
  const problem = page.getByRole('button', { name: 'There is no such folder.' });
  await problem.waitFor();
  await page.getByRole('switch', { name: 'Latent Perceptual Loss' }).click();
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.waitForFunction(() => location.hash === '#/runs/made');
});
