/** What the form and a run's page offer beside the main job, once each with the real engine in a real browser, by keyboard alone. */
import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { remove, temporaryFolder } from '../api/helpers.ts';
import { inChromium, type OpenApp } from './apps.ts';
import { keyboard, type Hands } from './hands.ts';

const SLOW = { timeout: 120_000 };
const demo = join(import.meta.dirname, '..', '..', 'resources', 'demo', 'blobs', 'train');

describe('the form\'s and the run\'s tools', () => {
  let app: OpenApp;
  let hands: Hands;
  const folder = temporaryFolder();
  const menu = async (button: RegExp | string, item: RegExp): Promise<void> => {
    await hands.press(app.page.getByRole('button', { name: button }));
    await hands.press(app.page.getByRole('menuitem', { name: item }));
  };
  const field = (path: string) => app.page.locator(`[data-path="${path}"]`);
  const value = (path: string): Promise<string> => field(path).locator('input').first().inputValue();
  beforeAll(async () => {
    mkdirSync(join(folder, 'pictures'));
    for (const name of readdirSync(demo).sort().slice(0, 16)) cpSync(join(demo, name), join(folder, 'pictures', name));
    app = await inChromium({ fake: false, home: folder });
    hands = keyboard(app.page);
  });
  afterEach(async ({ task }) => { if (task.result?.state === 'fail') await app.page.screenshot({ path: join(tmpdir(), 'lpl-failed-tools.png') }).catch(() => undefined); });
  afterAll(async () => { await app?.close(); remove(folder); });

  test('settings as a file, as text and as a preset; values are checked while typing; the drawings follow', { timeout: 120_000 }, async () => {
    const { page } = app;
    await hands.press(page.getByRole('link', { name: /A run/ }));
    await expect.poll(() => value('data.resolution'), SLOW).toBe('64'); // the built-in model's own
    await hands.type(field('training.max_train_steps').locator('input'), 'x');
    await field('training.max_train_steps').getByText('A whole number is needed.').waitFor();
    await hands.type(field('training.max_train_steps').locator('input'), '77');
    await expect.poll(() => field('training.max_train_steps').locator('.issue').count()).toBe(0);
    await page.getByRole('img', { name: /No timestep takes part/ }).waitFor();
    await hands.press(page.getByRole('switch', { name: 'Latent Perceptual Loss' }));
    await hands.type(page.getByLabel('Timestep threshold', { exact: true }), '100');
    await page.getByRole('img', { name: 'Timesteps below 100 of 1000 take part in LPL: 10 % of the samples' }).waitFor();
    await hands.type(page.getByLabel('Decoder blocks', { exact: true }), '1');
    await page.getByRole('img', { name: /Compared: mid with weight 1, up 1 with weight 1\/2\.$/ }).waitFor();

    const saving = page.waitForEvent('download');
    await menu(/^JSON/, /Save as JSON/);
    const file = join(folder, 'mine.json');
    await (await saving).saveAs(file);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ training: { max_train_steps: 77 }, lpl: { enabled: true, lpl_t_threshold: 100, lpl_num_blocks: 1 } });

    await menu('Presets', /Keep these settings/);
    await hands.type(page.getByRole('dialog').getByLabel('Name'), 'Short and shallow');
    await hands.press(page.getByRole('button', { name: 'Keep', exact: true }));
    await page.getByText('Kept as “Short and shallow”.').waitFor();
    await menu('Presets', /^Defaults/);
    await expect.poll(() => value('training.max_train_steps')).toBe('1500');
    await menu('Presets', /^Short and shallow/);
    await expect.poll(() => value('training.max_train_steps')).toBe('77');

    await menu(/^JSON/, /Edit as text/);
    const text = page.getByRole('textbox', { name: 'Settings as JSON' });
    await hands.type(text, '{ "training": { "max_train_steps": 5 ');
    await page.getByText(/not JSON yet/).waitFor();
    await hands.type(text, '{ "training": { "max_train_steps": 55 } }');
    await hands.press(page.getByRole('button', { name: 'Use these settings' }));
    await expect.poll(() => value('training.max_train_steps')).toBe('55');
    expect(await page.getByRole('switch', { name: 'Latent Perceptual Loss' }).getAttribute('aria-checked')).toBe('false');
    const choosing = page.waitForEvent('filechooser');
    await menu(/^JSON/, /Open…/);
    await (await choosing).setFiles(file);
    await expect.poll(() => value('training.max_train_steps')).toBe('77');
    expect(await page.getByRole('switch', { name: 'Latent Perceptual Loss' }).getAttribute('aria-checked')).toBe('true');
  });

  test('pictures on demand, other prompts while it runs, zoom and steps in the viewer, time left, log', { timeout: 300_000 }, async () => {
    const { page } = app;
    await hands.press(field('data.dataset').getByRole('button', { name: 'Folder…' }));
    await hands.press(page.getByRole('dialog').getByRole('button', { name: /pictures/ }));
    await hands.press(page.getByRole('button', { name: 'Choose “pictures”' }));
    await hands.type(field('training.max_train_steps').locator('input'), '100000');
    await hands.type(page.getByRole('textbox', { name: /prompt 1/i }), 'a red heart');
    await hands.type(page.getByLabel('Find a setting'), 'draw every');
    await hands.type(field('samples.sample_every').locator('input'), '0'); // only those that are asked for
    await hands.press(page.getByRole('button', { name: 'Start', exact: true }));
    await page.getByText(/Training with LPL, step [1-9][\d,]* of 100,000, about .+ left\./).first().waitFor(SLOW);
    const grid = page.getByRole('region', { name: 'Sample pictures' });
    const columns = () => grid.locator('thead th').count();
    await expect.poll(columns, SLOW).toBe(1);

    await hands.press(page.getByRole('button', { name: 'Sample now' }));
    await expect.poll(columns, SLOW).toBe(2);
    await menu('More', /Change sample prompts/);
    await hands.type(page.getByRole('dialog').getByRole('textbox', { name: 'Prompt 1' }), 'a blue star');
    await hands.press(page.getByRole('button', { name: 'Use these prompts' }));
    await page.getByText('From the next pictures on, these prompts are drawn.').waitFor();
    await hands.press(page.getByRole('button', { name: 'Sample now' }));
    await expect.poll(() => grid.getByRole('button', { name: /^a blue star, seed 1, step/ }).count(), SLOW).toBe(1);
    expect(await grid.getByRole('button', { name: /^a red heart, seed 1, step/ }).count()).toBe(2);

    await hands.press(grid.getByRole('button', { name: /^a red heart, seed 1, step/ }).last());
    const viewer = page.getByRole('dialog');
    const shown = viewer.locator('.stage img');
    const width = () => shown.evaluate((img) => img.getBoundingClientRect().width);
    await expect.poll(() => shown.evaluate((img: HTMLImageElement) => img.naturalWidth)).toBe(64);
    expect(await width()).toBeGreaterThan(400);
    await page.keyboard.press('z');
    await expect.poll(width).toBe(64); // 1:1
    await page.keyboard.press('Escape');
    await hands.press(grid.getByRole('button', { name: /^a red heart, seed 1, step/ }).last());
    await page.keyboard.press('ArrowLeft');
    await viewer.getByText(/seed 1 · step 0 · 64×64/).waitFor();
    await page.keyboard.press('Escape');

    await page.keyboard.press('l');
    await expect.poll(() => page.getByRole('dialog').locator('pre').innerText(), SLOW).not.toBe('');
    await page.keyboard.press('Escape');
    await hands.press(page.getByRole('button', { name: 'Stop…' }));
    await hands.press(page.getByRole('button', { name: 'Stop without saving' }));
    await page.getByText(/Stopped at step/).first().waitFor(SLOW);
    expect(app.problems).toEqual([]);
  });
});
