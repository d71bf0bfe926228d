/** The window in a real browser over the fake core: every page in its states passes axe, and the main ways go by keyboard alone. */
import { readFileSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runConfigFields } from '../../main/contract/runConfig.ts';
import { launchBrowser } from './harness/browser.ts';
import { buildHarness, serveFolder } from './harness/build.ts';
import { shots } from './shots.ts';

const SOON = { timeout: 60_000 };

let browser: Browser;
let context: BrowserContext;
let page: Page;
let url = '';
let close: () => void;
const problems: string[] = [];

beforeAll(async () => {
  ({ url, close } = await serveFolder(await buildHarness()));
  browser = await launchBrowser();
  context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
  page = await context.newPage();
  page.on('pageerror', (e) => problems.push(e.message));
  page.on('console', (m) => { if (m.type() === 'error' || m.type() === 'warning') problems.push(m.text()); });
}, 300_000);
afterAll(async () => { await browser?.close(); close?.(); });

async function open(path: string, scenario = 'full', theme = 'dark'): Promise<void> {
  problems.length = 0;
  await page.goto('about:blank');
  await page.goto(`${url}/?scenario=${scenario}&theme=${theme}#${path}`);
  await page.waitForSelector('main > *');
}
const calls = (method: string): Promise<unknown[]> => page.evaluate((m) => window.fake.calls.filter((c) => c.method === m).map((c) => c.params), method);
const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '');
async function tabTo(name: string | RegExp): Promise<void> {
  for (let i = 0; i < 60; i += 1) {
    await page.keyboard.press('Tab');
    const now = await focused();
    if (typeof name === 'string' ? now.trim() === name : name.test(now)) return;
  }
  throw new Error(`The keyboard does not reach ${name}`);
}

describe('axe finds nothing on any page in any state, dark and light', () => {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
  /** What lies under an open dialog is shown, and tested, without it. */
  const found = async (builder: AxeBuilder): Promise<string[]> => (await ((await page.locator('[role="dialog"]').count()) > 0 ? builder.exclude('.frame') : builder).analyze()).violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target.join(' ')).join(' | ')}`);
  it.each(shots.map((shot) => ({ label: `${shot.name}, ${shot.scenario}`, shot })))('$label', async ({ shot }) => {
    await open(shot.path, shot.scenario);
    await shot.act?.(page);
    await page.evaluate(() => new Promise((resolve) => { setTimeout(resolve, 60); }));
    expect(await found(new AxeBuilder({ page }).setLegacyMode().withTags(tags))).toEqual([]);
    // the other theme changes colours and nothing else
    await page.evaluate(() => { document.documentElement.dataset.theme = 'light'; return new Promise((resolve) => { setTimeout(resolve, 120); }); });
    expect(await found(new AxeBuilder({ page }).setLegacyMode().withRules(['color-contrast']))).toEqual([]);
    expect(problems).toEqual([]);
  });
});

describe('the window by keyboard alone', () => {
  it('goes to every place by its keys and lists them under "?"', async () => {
    await open('/');
    for (const [keys, hash] of [['gd', '#/datasets'], ['gm', '#/models'], ['gr', '#/runs'], ['gs', '#/settings'], ['gh', '#/']] as const) {
      for (const key of keys) await page.keyboard.press(key);
      await page.waitForFunction((h) => location.hash === h, hash);
    }
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });
  it('starts the demo with one button and ends on its comparison', async () => {
    await open('/', 'empty');
    await tabTo('Run the demo');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => location.hash === '#/compare/cmp');
    expect(await calls('demo.start')).toEqual([{}]);
  });
  it('finds a run by name in the palette', async () => {
    await open('/');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('ceramics');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Ceramics' }).waitFor();
  });
  it('finds a picture by name in the palette and leads to it', async () => {
    await open('/runs');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('IMG_2003');
    await page.getByRole('option', { name: /IMG_2003/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('listbox', { name: 'Pictures' }).getByRole('option', { selected: true }).waitFor();
    expect(await page.getByRole('listbox', { name: 'Pictures' }).getAttribute('aria-activedescendant')).toBe('picture-4');
  });
  it('saves a chart as drawing and as numbers', async () => {
    await open('/runs/live');
    await page.getByText('412', { exact: false }).first().waitFor();
    for (const [item, ending, begins] of [['SVG', 'svg', '<svg '], ['CSV', 'csv', 'metric,step,value\nloss,'], ['PNG', 'png', '\x89PNG']] as const) {
      await page.getByRole('button', { name: 'Save Loss' }).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('menuitem', { name: new RegExp(`^${item}`) }).waitFor();
      const saved = page.waitForEvent('download');
      for (let i = 0; i < 4 && !(await focused()).trim().startsWith(item); i += 1) await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      const file = await saved;
      expect(file.suggestedFilename()).toBe(`live-loss.${ending}`);
      expect(readFileSync(await file.path(), 'latin1').startsWith(begins)).toBe(true);
    }
  });
  it('puts the queue into another order, by keys and by dragging', async () => {
    await open('/runs');
    await tabTo('Blob emoji, baseline: later');
    await page.keyboard.press('Enter');
    await expect.poll(() => calls('queue.reorder'), SOON).toEqual([{ ids: ['wait2', 'wait1'] }]);
    const row = (name: RegExp) => page.getByRole('row', { name });
    await row(/threshold 100/).dragTo(row(/Blob emoji, baseline/), { targetPosition: { x: 300, y: 3 } });
    await expect.poll(async () => (await calls('queue.reorder')).length, SOON).toBe(2);
    expect((await calls('queue.reorder'))[1]).toEqual({ ids: ['wait2', 'wait1'] });
    await row(/Blob emoji, baseline/).dragTo(row(/threshold 100/), { targetPosition: { x: 300, y: 30 } });
    await expect.poll(async () => (await calls('queue.reorder')).length, SOON).toBe(3);
    expect((await calls('queue.reorder'))[2]).toEqual({ ids: ['wait2', 'wait1'] });
  });
  it('starts a run from the form', async () => {
    await open('/runs/new?dataset=kitchen', 'empty');
    await page.getByLabel('Base model', { exact: true }).focus();
    await tabTo('Latent Perceptual Loss');
    await page.keyboard.press('Space');
    await page.keyboard.press('Control+Enter');
    await page.waitForFunction(() => location.hash === '#/runs/made');
    expect(await calls('runs.create')).toMatchObject([{ start: true, config: { model: { base: 'builtin' }, data: { dataset: 'kitchen', resolution: 64 }, lpl: { enabled: true } } }]);
  });
  it('leads to the first wrong field instead of starting', async () => {
    await open('/runs/new');
    expect(await page.locator('.issue').count()).toBe(0);
    await page.keyboard.press('Control+Enter');
    await page.locator('[data-path="model.base"] .issue').waitFor();
    expect(await page.evaluate(() => document.activeElement?.closest('[data-path]')?.getAttribute('data-path'))).toBe('model.base');
    expect(await calls('runs.create')).toEqual([]);
  });
  it('stops a run, with a choice of what is kept', async () => {
    await open('/runs/live');
    await page.getByRole('heading', { name: 'Blob emoji, LPL weight 1' }).waitFor();
    await tabTo('Stop…');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await tabTo('Save and stop');
    await page.keyboard.press('Enter');
    await expect.poll(() => calls('runs.stop'), SOON).toEqual([{ id: 'live', save: true }]);
  });
  it('says so when a run ends by itself while it is asked how to stop it, or just as it is stopped: nothing red', async () => {
    await open('/runs/live');
    await page.evaluate(async () => {
      const live = await window.fake.answers['runs.get']!({ id: 'live' });
      const ended = { ...live, state: 'finished' as const, exit_reason: 'finished' as const, step: 1500, eta_s: null, stage: null, ended_at: live.started_at! + 60_000 };
      window.fake.answers['runs.stop'] = () => {
        window.fake.answers['runs.get'] = () => ended;
        throw { code: 'run.wrong_state', message: '"Blob emoji" is finished and cannot be stopped.', hint: '', details: {} };
      };
      Object.assign(window, { ends: () => window.fake.emit('runs.changed', { run: ended }) });
    });
    await page.getByRole('button', { name: 'Stop…' }).click();
    await page.getByRole('button', { name: 'Save and stop' }).click();
    const told = page.getByRole('region', { name: 'Messages' });
    await told.getByText('Finished 1,500 steps after 1 min.').waitFor();
    expect(await page.locator('.toast.error').count()).toBe(0);
    await page.getByRole('button', { name: 'Stop…' }).click();
    await page.getByRole('dialog', { name: 'Stop “Blob emoji, LPL weight 1”?' }).waitFor();
    await page.evaluate(() => (window as unknown as { ends: () => void }).ends());
    const dialog = page.getByRole('dialog', { name: '“Blob emoji, LPL weight 1” is no longer under way' });
    await dialog.getByText('Finished 1,500 steps after 1 min.').waitFor();
    expect(await dialog.getByRole('button', { name: 'Save and stop' }).count()).toBe(0);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });
  it('walks through sample pictures and their steps', async () => {
    await open('/runs/live');
    await page.locator('[data-at="0,4"]').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const about = page.getByRole('dialog').getByText(/seed 2 · step 400/);
    await about.waitFor();
    await page.keyboard.press('ArrowLeft');
    await page.getByRole('dialog').getByText(/seed 2 · step 300/).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.getByRole('dialog').getByText('a smiling face with sunglasses').waitFor();
  });
  it('shows a tall picture whole among the others, and with its own proportions beside them', async () => {
    await open('/datasets/kitchen');
    await page.locator('#picture-2 img').evaluate((img: HTMLImageElement) => img.decode());
    await page.locator('#picture-2').click();
    await page.locator('.frame:has(> .crop) > img').evaluate((img: HTMLImageElement) => img.decode());
    const rect = (selector: string): Promise<{ width: number; height: number; top: number; bottom: number }> => page.locator(selector).evaluate((e) => { const { width, height, top, bottom } = e.getBoundingClientRect(); return { width, height, top, bottom }; });
    const cell = await rect('#picture-2'), inCell = await rect('#picture-2 img'), beside = await rect('.frame:has(> .crop) > img');
    expect(inCell.top).toBeGreaterThanOrEqual(cell.top);
    expect(inCell.bottom).toBeLessThanOrEqual(cell.bottom);
    expect(beside.width / beside.height).toBeCloseTo(900 / 1200, 2);
    expect(beside.height).toBeLessThanOrEqual(300);
  });
  it('curates: moves, excludes, tags, undoes', async () => {
    await open('/datasets/kitchen');
    const list = page.getByRole('listbox', { name: 'Pictures' });
    await list.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Shift+ArrowRight');
    expect(await list.getByRole('option', { selected: true }).count()).toBe(2);
    await page.keyboard.press('x');
    await expect.poll(() => calls('datasets.edit'), SOON).toEqual([{ id: 'kitchen', target: { ids: [1, 2] }, change: { kind: 'exclude', reason: 'excluded by hand' } }]);
    await page.getByText('347 to train on').waitFor();
    await page.keyboard.press('1');
    await expect.poll(async () => (await calls('datasets.edit')).length, SOON).toBe(2);
    await page.keyboard.press('Control+z');
    await page.keyboard.press('Control+z');
    await page.getByText('349 to train on').waitFor();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('e');
    await page.keyboard.type('lemon tree');
    await page.keyboard.press('Enter');
    await expect.poll(async () => (await calls('datasets.edit')).at(-1), SOON).toMatchObject({ target: { ids: [3] }, change: { kind: 'captions', captions: ['a wooden spoon, lemon tree'] } });
  });
});

describe('the form and the contract', () => {
  it('shows the title, help, default and advice of every field from the schema', async () => {
    await open('/runs/new');
    await page.getByRole('switch', { name: 'Latent Perceptual Loss' }).click();
    await page.evaluate(() => { for (const d of document.querySelectorAll('details')) d.open = true; });
    const text = (await page.locator('main').innerText()).replaceAll(/\s+/g, ' ');
    for (const f of runConfigFields.filter((x) => !x.when || x.group === 'lpl')) {
      expect(text, f.path).toContain(f.title);
      expect(text, f.path).toContain(f.description.replaceAll(/\s+/g, ' '));
    }
  });
  it('draws what a wrong value would be wrong about, at the field, while typing', async () => {
    await open('/runs/new');
    await page.getByLabel('Learning rate', { exact: true }).fill('fast');
    await page.locator('[data-path="optimizer.learning_rate"]').getByText('A number is needed.').waitFor();
    await page.getByLabel('Learning rate', { exact: true }).fill('2e-5');
    await expect.poll(() => page.locator('[data-path="optimizer.learning_rate"] .issue').count(), SOON).toBe(0);
  });
});

describe('the New run page', () => {
  it.each([[1280, 800], [1920, 1080]])('at %i × %i lays nothing over something else, LPL on', async (width, height) => {
    await page.setViewportSize({ width, height });
    await open('/runs/new');
    await page.getByRole('switch', { name: 'Latent Perceptual Loss' }).click();
    await page.getByLabel('LPL weight', { exact: true }).waitFor();
    const over = await page.locator('form .field[data-path]').evaluateAll((fields) => fields.flatMap((field) => {
      const boxes = [...field.querySelectorAll('.name > *, .control > *, .help')].map((e) => ({ text: e.textContent ?? '', box: e.getBoundingClientRect() })).filter(({ box }) => box.width > 1 && box.height > 1);
      return boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) => Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left) > 1 && Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top) > 1).map((b) => `${(field as HTMLElement).dataset['path']}: ${a.text} | ${b.text}`));
    }));
    await page.setViewportSize({ width: 1280, height: 800 });
    expect(over).toEqual([]);
  });
  it('takes over what the chosen model advises where nobody chose a value, says so, and leaves a typed value alone', async () => {
    await open('/runs/new');
    await page.getByRole('switch', { name: 'Latent Perceptual Loss' }).click();
    const weight = page.getByLabel('LPL weight', { exact: true }), resolution = page.getByLabel('Resolution', { exact: true }), model = page.getByLabel('Base model', { exact: true });
    await expect.poll(() => weight.inputValue(), SOON).toBe('1');
    await model.selectOption('builtin');
    await expect.poll(() => weight.inputValue(), SOON).toBe('50');
    expect(await resolution.inputValue()).toBe('64');
    await page.locator('[data-path="lpl.lpl_weight"]').getByText('50: advised for the model “Emoji (built in)”.').waitFor();
    await model.selectOption('sdxl');
    await expect.poll(() => weight.inputValue(), SOON).toBe('1');
    expect(await resolution.inputValue()).toBe('1024');
    await weight.fill('3');
    await model.selectOption('builtin');
    await expect.poll(() => resolution.inputValue(), SOON).toBe('64');
    expect(await weight.inputValue()).toBe('3');
    await page.getByRole('button', { name: 'Use the model’s 50' }).click();
    await expect.poll(() => weight.inputValue(), SOON).toBe('50');
    await page.getByRole('button', { name: 'Save as draft' }).click();
    await expect.poll(() => calls('runs.create'), SOON).toMatchObject([{ config: { data: { resolution: 64 }, lpl: { lpl_weight: 50 } } }]);
  });
  it('keeps what a preset names, and offers what the model advises', async () => {
    await open('/runs/new');
    await page.getByLabel('Base model', { exact: true }).selectOption('builtin');
    await page.getByRole('button', { name: 'Presets' }).click();
    await page.getByRole('menuitem', { name: /^SDXL LoRA with LPL/ }).click();
    const weight = page.getByLabel('LPL weight', { exact: true });
    await expect.poll(() => weight.inputValue(), SOON).toBe('1');
    await page.getByRole('button', { name: 'Use the model’s 50' }).click();
    await expect.poll(() => weight.inputValue(), SOON).toBe('50');
    await page.getByRole('button', { name: 'Use the model’s 64' }).waitFor();
  });
  it('leads to one resolution: of the run, of its model, and of the data set’s page', async () => {
    await open('/runs/new?dataset=kitchen&model=builtin');
    await page.getByText('The page of “Kitchen photographs” shows it at 1,024 px.').waitFor();
    await page.getByRole('button', { name: 'Show it at 64 px too' }).click();
    await expect.poll(() => calls('datasets.settings'), SOON).toMatchObject([{ id: 'kitchen', changes: { bucketing: { resolution: 64 } } }]);
    await page.evaluate(() => window.fake.emit('datasets.changed', { id: 'kitchen' }));
    await page.getByText('shows it at').waitFor({ state: 'detached' });
    await page.evaluate(() => {
      const summary = window.fake.answers['datasets.summary']!;
      window.fake.answers['datasets.summary'] = async (p) => { const s = await summary(p); return p.bucketing!.resolution > 256 ? { ...s, fits: 256, too_small: 300, trained: 69, held_out: 19 } : { ...s, fits: 256 }; }; 
      location.hash = '#/runs/new?dataset=kitchen&model=sdxl';
    });
    await page.getByText('At 1,024 px: 69 to train on, 19 held out for validation, 300 too small, 12 excluded, 1 unreadable.').waitFor();
    await page.getByRole('button', { name: 'Use 256 px' }).click();
    await page.getByText('At 256 px: 349 to train on, 39 held out for validation, 12 excluded, 1 unreadable.').waitFor();
    const asked = (await calls('datasets.summary')).length;
    await page.getByLabel('Steps', { exact: true }).fill('77');
    await page.getByRole('button', { name: /^Steps: back to/ }).first().waitFor();
    expect((await calls('datasets.summary')).length).toBe(asked);
    await expect.poll(() => page.getByLabel('Resolution', { exact: true }).inputValue(), SOON).toBe('256');
  });
  it('is as it was when one comes back to it, and still says at once what is wrong', async () => {
    await open('/runs/new');
    await page.getByLabel('Steps', { exact: true }).fill('77');
    for (const hash of ['#/models', '#/runs/new']) await page.evaluate((h) => { location.hash = h; }, hash);
    const steps = page.getByLabel('Steps', { exact: true });
    await expect.poll(() => steps.inputValue(), SOON).toBe('77');
    await steps.fill('many');
    await page.locator('[data-path="training.max_train_steps"]').getByText('A whole number is needed.').waitFor();
    expect(problems).toEqual([]);
  });
  it.each([[1280, 800], [1920, 1080]])('at %i × %i shows a measurement whole, and says before when it takes as long as the run', async (width, height) => {
    await page.setViewportSize({ width, height });
    await open('/runs/new?dataset=kitchen', 'empty');
    await page.getByRole('switch', { name: 'Latent Perceptual Loss' }).click();
    await page.getByText('Measuring trains 12 steps on your pictures and throws them away.').waitFor();
    await page.getByLabel('Steps', { exact: true }).fill('60');
    await page.getByText('Measuring trains 12 steps in 2 starts, and this run has only 60: it may take as long as the run.').waitFor();
    await page.getByRole('button', { name: 'Measure' }).click();
    const last = page.getByText('A step takes 0.13 s without LPL');
    await last.waitFor();
    const [panel, side] = await Promise.all([last.evaluate((e) => e.closest('.panel')!.getBoundingClientRect().toJSON() as DOMRect), page.getByRole('complementary', { name: 'What will happen' }).evaluate((e) => e.getBoundingClientRect().toJSON() as DOMRect)]);
    await page.setViewportSize({ width: 1280, height: 800 });
    expect(panel.top).toBeGreaterThanOrEqual(side.top - 1);
    expect(panel.bottom).toBeLessThanOrEqual(side.bottom + 1);
  });
  it('says beside the stratified option what share of the steps trains LPL', async () => {
    await open('/runs/new', 'empty');
    await page.getByRole('switch', { name: 'Latent Perceptual Loss' }).click();
    const said = page.locator('[data-path="lpl.lpl_stratified"]');
    await said.getByText('About 20 % of this run’s steps train LPL, at 1 picture a step; stratified as many, but evenly spread.').waitFor();
    await page.getByLabel('Find a setting').fill('batch size');
    await page.getByLabel('Batch size', { exact: true }).fill('4');
    await said.getByText('About 59 % of this run’s steps train LPL, at 4 pictures a step; stratified, 80 %.').waitFor();
    await page.getByRole('switch', { name: 'Stratified timesteps' }).click();
    await said.getByText('About 80 % of this run’s steps train LPL, at 4 pictures a step.').waitFor();
  });
  it('sends no prompts for lines left blank', async () => {
    await open('/runs/new?dataset=kitchen', 'empty');
    await page.getByLabel('Prompt 1', { exact: true }).fill('a red apple');
    for (const [n, text] of [[2, '  '], [3, 'a cat'], [4, '']] as const) {
      await page.getByRole('button', { name: 'Add a prompt' }).click();
      await page.getByLabel(`Prompt ${n}`, { exact: true }).fill(text);
    }
    await page.getByRole('button', { name: 'Save as draft' }).click();
    await expect.poll(() => calls('runs.create'), SOON).toMatchObject([{ config: { samples: { prompts: ['a red apple', 'a cat'] } } }]);
  });
  it('takes the prompts of a run as they were changed while it trained', async () => {
    await open('/runs');
    await page.evaluate(() => {
      const get = window.fake.answers['runs.get']!;
      window.fake.answers['runs.get'] = async (p) => ({ ...await get(p), changed_prompts: { prompts: ['a blue ball'], negative_prompt: 'dark' } });
      location.hash = '#/runs/new?from=done';
    });
    await expect.poll(() => page.getByLabel('Prompt 1', { exact: true }).inputValue(), SOON).toBe('a blue ball');
    expect(await page.getByLabel('Prompt 2', { exact: true }).count()).toBe(0);
  });
});

describe('the page of a data set', () => {
  it('counts what will be trained once, at the resolution that it names', async () => {
    await open('/datasets');
    await page.evaluate(() => {
      const summary = window.fake.answers['datasets.summary']!;
      window.fake.answers['datasets.summary'] = async (p) => { const s = await summary(p); return { ...s, too_small: 300, trained: s.trained - 280, held_out: s.held_out - 20, fits: 256 }; };
      location.hash = '#/datasets/kitchen';
    });
    await page.getByText('At 1,024 px: 69 to train on, 19 held out for validation, 300 too small, 12 excluded, 1 unreadable').waitFor();
    expect(await page.getByRole('button', { name: /^Will be trained/ }).innerText()).toMatch(/69$/);
    await page.getByRole('button', { name: 'Show at 256 px' }).click();
    await page.getByText('At 256 px: ').waitFor();
    expect(await page.getByLabel('Shown at').inputValue()).toBe('256');
    await page.getByLabel('Shown at').selectOption('64');
    await page.getByText('At 64 px: ').waitFor();
  });
  it.each(['Enter', 'ArrowDown'])('leads from the filter to the pictures by %s, framed whole', async (key) => {
    await open('/datasets/kitchen');
    const grid = page.getByRole('listbox', { name: 'Pictures' });
    await grid.waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('lemon');
    await page.keyboard.press(key);
    expect(await grid.evaluate((e) => e === document.activeElement)).toBe(true);
    expect(await grid.evaluate((e) => { const box = e.parentElement!, frame = getComputedStyle(box, '::after'); return [frame.content, frame.borderTopWidth, frame.position, Math.round(Number.parseFloat(frame.width)) === box.clientWidth]; })).toEqual(['""', '2px', 'absolute', true]);
    await page.keyboard.press('ArrowRight');
    await page.getByRole('complementary', { name: 'Selection' }).getByText('2026/IMG_2001.jpg').waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog').getByText('To the pictures that it finds').waitFor();
  });
  it('shows a new set at the resolution of the model it will most likely train', async () => {
    await open('/datasets', 'empty');
    await page.getByRole('button', { name: 'Add a folder…' }).first().click();
    await page.getByRole('dialog').getByRole('button', { name: /^Choose “/ }).click();
    await expect.poll(() => calls('datasets.import'), SOON).toMatchObject([{ settings: { bucketing: { resolution: 64 } } }]);
  });
});

describe('nothing is pushed or covered', () => {
  const box = (name: string) => page.getByRole('region', { name }).evaluate((e) => e.getBoundingClientRect().toJSON() as DOMRect);
  it('the status bar is one line at 1280 px, however long the names', async () => {
    await open('/runs');
    await page.evaluate(async () => {
      const run = (await window.fake.invoke('runs.get', { id: 'live' })) as { result: object };
      window.fake.emit('runs.changed', { run: { ...run.result, name: 'Watercolour houses by the sea, LPL weight 2, threshold 100', eta_s: 8_000 } as never });
      window.fake.emit('jobs.changed', { job: { id: 'j1', kind: 'dataset.import', title: 'Importing “Photographs of the kitchen in the morning”', state: 'running', text: '370 of 1,204 pictures', done: 370, total: 1204, eta_s: 7_000, result: null, error: null, created_at: 1, ended_at: null } });
    });
    const bar = page.getByRole('contentinfo', { name: 'Status' });
    await bar.getByText('2 h 13 min left').waitFor();
    const lines = await bar.locator('span').evaluateAll((all) => all.filter((e) => e.childElementCount === 0 && e.textContent!.trim() !== '').map((e) => { const range = document.createRange(); range.selectNodeContents(e); return [e.textContent, new Set([...range.getClientRects()].map((r) => Math.round(r.top / 8))).size] as const; }).filter(([, n]) => n > 1));
    expect(lines).toEqual([]);
    expect(await bar.evaluate((e) => e.scrollWidth <= e.clientWidth)).toBe(true);
  });
  it('a changed prompt gets its way back without moving its box', async () => {
    await open('/runs/new');
    const prompt = page.getByLabel('Prompt 1', { exact: true });
    const before = await prompt.boundingBox();
    await prompt.fill('a red apple');
    await page.getByRole('button', { name: 'Sample prompts: back to none' }).first().waitFor();
    expect(await prompt.boundingBox()).toEqual(before);
  });
  it('a message leaves the events of a run free', async () => {
    await open('/runs/live');
    await page.getByRole('button', { name: 'Sample now' }).click();
    await page.getByText('The sample prompts are drawn after this step.').waitFor();
    const [message, events] = [await box('Messages'), await box('Events')];
    expect(message.right <= events.left || message.bottom <= events.top).toBe(true);
  });
  it('numbers of a model keep their units', async () => {
    await open('/models/builtin');
    const cells = page.locator('.details td.num');
    await cells.first().waitFor();
    expect(await cells.evaluateAll((all) => all.every((e) => getComputedStyle(e).whiteSpace === 'nowrap'))).toBe(true);
  });
});

describe('choosing a file', () => {
  it('names the folder that is open on the button that takes it', async () => {
    await open('/datasets');
    await page.getByRole('button', { name: 'Add a folder…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Choose a folder of pictures' });
    await dialog.getByText('In “mara”: 2 files and 1 folder').waitFor();
    await dialog.getByRole('list', { name: 'Folder' }).getByRole('button', { name: /^Pictures/ }).click();
    await dialog.getByRole('button', { name: 'Choose “Pictures”' }).click();
    await expect.poll(() => calls('datasets.import'), SOON).toMatchObject([{ paths: ['/home/mara/Pictures'] }]);
  });
  it('shows pickles, says why they are not opened, and takes a typed path', async () => {
    await open('/models');
    await page.getByRole('button', { name: 'Add model' }).click();
    await page.getByRole('menuitem', { name: 'Model file…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add a model file' });
    const pickle = dialog.getByRole('button', { name: /^dreamy-v3\.ckpt never opened/ });
    await pickle.waitFor();
    expect(await pickle.isDisabled()).toBe(true);
    await dialog.getByText(/^A Python pickle: .*Most models are published as \.safetensors too/).waitFor();
    const path = dialog.getByLabel('Path');
    await path.fill('/home/mara/nowhere/x.safetensors');
    await path.press('Enter');
    await dialog.getByText('There is nothing at /home/mara/nowhere/x.safetensors').waitFor();
    await path.fill('/home/mara/sd_xl_base_1.0.safetensors');
    await path.press('Enter');
    await dialog.getByRole('button', { name: /^sd_xl_base_1/, pressed: true }).waitFor();
    await dialog.getByRole('button', { name: 'Choose file' }).click();
    await expect.poll(() => calls('models.add'), SOON).toEqual([{ path: '/home/mara/sd_xl_base_1.0.safetensors' }]);
  });
});

describe('the doctor', () => {
  it('keeps operations per second folded away', async () => {
    await open('/settings/doctor');
    const speed = page.getByText('GFLOP/s');
    await page.getByText('Measured speed, for experts').waitFor();
    expect(await speed.isVisible()).toBe(false);
    await page.getByText('Measured speed, for experts').click();
    expect(await speed.isVisible()).toBe(true);
  });
});

describe('the field\'s words', () => {
  it('say what they mean where they stand, and in a list that the keyboard reaches', async () => {
    await open('/runs/new');
    expect(await page.locator('[data-path="method.type"] .help dfn', { hasText: 'LoRA' }).getAttribute('title')).toMatch(/^LoRA: Low-rank adaptation/);
    await page.keyboard.press('Control+k');
    await page.keyboard.type('kid');
    await page.keyboard.press('Enter');
    const list = page.getByRole('dialog', { name: 'What the words mean' });
    await list.getByText('Kernel Inception Distance').waitFor();
    await page.keyboard.type('fréchet');
    await expect.poll(() => list.locator('dt').count(), SOON).toBe(1);
  });
});

describe('live events', () => {
  it('move the state, the list and the pictures of a run without a reload', async () => {
    await open('/runs/live');
    await page.getByText('step 412 of 1,500', { exact: false }).first().waitFor();
    await page.evaluate(async () => {
      const run = (await window.fake.invoke('runs.get', { id: 'live' })) as { result: never };
      window.fake.emit('runs.changed', { run: { ...(run.result as object), step: 600, stage: null, eta_s: 300 } as never });
      window.fake.emit('run.events', { run_id: 'live', events: [{ n: 901, at: 1, type: 'checkpoint', step: 600, dir: 'x', bytes: 5e6, sha256: 'a', removed: [] }] });
    });
    await page.getByText('Training with LPL, step 600 of 1,500, about 5 min left.').waitFor();
    await page.getByText('Checkpoint at step 600 saved and read back, 5 MB').waitFor();
  });
  it('show what was exported as soon as it is, the list open', async () => {
    await open('/runs/done');
    await page.getByRole('button', { name: 'Export…' }).click();
    const dialog = page.getByRole('dialog', { name: /^Export/ });
    await dialog.getByLabel('Format').waitFor();
    expect(await dialog.getByText('Exported so far').count()).toBe(0);
    await page.evaluate(() => {
      window.fake.answers['exports.list'] = () => [{ id: 'exp_1', run_id: 'done', step: 1500, file: 'exports/Watercolour-houses-1500.safetensors', format: 'lora-kohya', bytes: 31e6, sha256: 'ab', created_at: Date.now(), url: '/media/export/exp_1' }];
      window.fake.emit('jobs.changed', { job: { id: 'j9', kind: 'export', title: 'Export', state: 'running', text: '', done: 0, total: 1, eta_s: null, result: null, error: null, created_at: 1, ended_at: null } });
    });
    await page.waitForTimeout(200);
    expect(await dialog.getByText('Exported so far').count()).toBe(0); // still being written
    await page.evaluate(() => window.fake.emit('jobs.changed', { job: { id: 'j9', kind: 'export', title: 'Export', state: 'done', text: '', done: 1, total: 1, eta_s: null, result: null, error: null, created_at: 1, ended_at: 2 } }));
    await dialog.getByText('exports/Watercolour-houses-1500.safetensors').waitFor();
    expect(await dialog.getByRole('link', { name: 'Download' }).getAttribute('download')).toBe('Watercolour houses-1500.safetensors');
  });
  it('show a lost connection, only while it lasts; what would ask the core is off and says why', async () => {
    await open('/runs/live');
    const asking = ['Sample now', 'Pause', 'Stop…'].map((name) => page.getByRole('button', { name, exact: true }));
    await asking[0]!.waitFor();
    expect(await page.getByText('Connection lost').count()).toBe(0);
    await page.evaluate(() => window.fake.breakStreams(true));
    await page.getByText('Connection lost. Trying again').waitFor();
    await page.getByText('Connection lost. Last heard: Training with LPL, step 412').waitFor();
    for (const button of asking) {
      expect(await button.isDisabled()).toBe(true);
      expect(await button.getAttribute('title')).toMatch(/connection .* is lost.*works again/);
    }
    for (const key of ['s', 'p']) await page.keyboard.press(key);
    await page.getByRole('button', { name: 'More' }).click();
    expect(await page.getByRole('menuitem', { name: 'Export…' }).getAttribute('aria-disabled')).toBe('true');
    expect(await page.getByRole('menuitem', { name: 'Settings of this run…' }).getAttribute('aria-disabled')).not.toBe('true');
    await page.keyboard.press('Escape');
    expect([...await calls('runs.sampleNow'), ...await calls('runs.pause')]).toEqual([]);
    await page.evaluate(() => window.fake.breakStreams(false));
    await page.getByText('Connection lost').first().waitFor({ state: 'detached' });
    for (const button of asking) expect(await button.isEnabled()).toBe(true);
    await asking[1]!.click();
    await expect.poll(() => calls('runs.pause'), SOON).toEqual([{ id: 'live' }]);
  });
  it('say to open the new address, where another core answers or none for a while, and work again when it does', async () => {
    await open('/runs/live');
    const pause = page.getByRole('button', { name: 'Pause', exact: true }), alert = page.getByRole('contentinfo', { name: 'Status' }).getByRole('alert');
    await pause.waitFor();
    await page.evaluate(() => window.fake.breakStreams(true, true));
    await alert.getByText('LPL Studio was started anew: open the address that it printed in the terminal.', { exact: true }).waitFor();
    expect(await pause.getAttribute('title')).toMatch(/open the address .* Training goes on/);
    await page.evaluate(() => window.fake.breakStreams(true));
    await alert.getByText('Connection lost, still trying. If LPL Studio was started anew, open the address that it printed in the terminal.', { exact: true }).waitFor();
    await page.evaluate(() => window.fake.breakStreams(false));
    await alert.waitFor({ state: 'detached' });
    expect(await pause.isEnabled()).toBe(true);
  });
  it('draw what is recorded of LPL in charts of their own: each line is named in sight and looks like no other', async () => {
    await open('/runs/live');
    await page.getByRole('tab', { name: 'LPL', exact: true }).click();
    const items = page.getByRole('group', { name: 'Lines' }).locator('.item');
    for (const [title, names] of [['LPL by layer', ['mid', 'up 1', 'up 2', 'up 3', 'up 4']], ['Mean of the features', ['mid', 'up 1', 'up 2', 'up 3', 'up 4']], ['Signal to noise of its samples', ['mean', 'smallest', 'largest', 'deviation']]] as const) {
      await page.getByLabel('What of LPL').selectOption({ label: title });
      await expect.poll(() => items.evaluateAll((all) => all.map((e) => (e.textContent ?? '').trim().replace(/\s+\S+$/, ''))), SOON).toEqual(names);
      const look = await items.evaluateAll((all) => all.map((e) => { const box = e.getBoundingClientRect(), legend = e.parentElement!.getBoundingClientRect(); return { colour: getComputedStyle(e.querySelector('path')!).stroke, inside: box.bottom <= legend.bottom + 1 }; }));
      expect(new Set(look.map((l) => l.colour)).size).toBe(names.length);
      expect(look.every((l) => l.inside)).toBe(true);
    }
  });
});
