/** The main job as a person does it, with the real engine, by keyboard alone in a browser and by mouse in Electron: model and pictures, an LPL run, curve, pictures, stop, go on, export. */
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { remove, temporaryFolder } from '../api/helpers.ts';
import { writeTinyModel } from '../engine/tinyModel.ts';
import { inChromium, inElectron, type OpenApp } from './apps.ts';
import { keyboard, mouse, type Hands } from './hands.ts';

const SLOW = 240_000;
const demo = join(import.meta.dirname, '..', '..', 'resources', 'demo', 'blobs', 'train');

/** A home folder with a tiny model and twelve of the demo's pictures with their captions. */
async function makeHome(): Promise<string> {
  const home = temporaryFolder();
  await writeTinyModel(join(home, 'A tiny model'));
  mkdirSync(join(home, 'Twelve pictures'));
  for (const name of readdirSync(demo).sort().slice(0, 24)) cpSync(join(demo, name), join(home, 'Twelve pictures', name));
  return home;
}

/** The page's own chooser in a browser, the system's dialog in Electron: nobody types a path. */
async function chooseFolder(app: OpenApp, hands: Hands, home: string, name: string, open: () => Promise<void>): Promise<void> {
  if (app.electron) {
    await app.electron.evaluate(({ dialog }, path) => { dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [path] }) as never; }, join(home, name));
    await open();
    return;
  }
  await open();
  await hands.press(app.page.getByRole('dialog').getByRole('button', { name: new RegExp(name) }));
  await hands.press(app.page.getByRole('button', { name: `Choose “${name}”` }));
}
const field = (page: Page, path: string) => page.locator(`[data-path="${path}"]`);
const sentence = (page: Page, text: RegExp) => page.getByText(text).first().waitFor({ timeout: SLOW });

describe.each([['Chromium on the loopback server, by keyboard alone', inChromium, keyboard], ['Electron, by mouse', inElectron, mouse]] as const)('%s', (_, open, handsOf) => {
  let app: OpenApp | undefined;
  let home = '';
  afterEach(async ({ task }) => { if (task.result?.state === 'fail' && app) await app.page.screenshot({ path: join(tmpdir(), `lpl-failed-${app.electron ? 'electron' : 'chromium'}.png`) }).catch(() => undefined); });
  afterAll(async () => { await app?.close(); if (home) remove(home); });

  test('pick model and data, train with LPL, watch, stop, go on, export the LoRA', { timeout: 900_000 }, async () => {
    home = await makeHome();
    app = await open({ fake: false, home });
    const { page } = app;
    const hands = handsOf(page);
    const press = (target: Locator): Promise<void> => hands.press(target);
    const button = (name: string): Locator => page.getByRole('button', { name, exact: true });
    await press(page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name: 'Models' }));
    await chooseFolder(app, hands, home, 'A tiny model', async () => {
      await press(page.getByRole('button', { name: /^Add (a )?model/ }).first());
      await press(page.getByRole('menuitem', { name: /Model folder/ }));
    });
    await page.getByRole('link', { name: /A tiny model/ }).waitFor();
    await press(button('Fine-tune'));
    await expect.poll(() => field(page, 'model.base').locator('select').inputValue()).toMatch(/^mdl_/);
    await hands.type(field(page, 'data.resolution').locator('input'), '64');
    await chooseFolder(app, hands, home, 'Twelve pictures', () => press(field(page, 'data.dataset').getByRole('button', { name: 'Folder…' })));
    await press(field(page, 'lpl.enabled').getByRole('switch'));
    await hands.type(field(page, 'training.max_train_steps').locator('input'), '100000');
    await hands.type(field(page, 'samples.prompts').locator('input').first(), 'a red heart');
    await press(button('Start'));

    await sentence(page, /Training with LPL, step [1-9]/);
    const grid = page.getByRole('region', { name: 'Sample pictures' });
    const picture = grid.locator('img').first();
    await picture.waitFor({ timeout: SLOW });
    await expect.poll(() => picture.evaluate((img: HTMLImageElement) => img.complete && img.naturalWidth), { timeout: 60_000 }).toBeGreaterThan(0);
    const curve = page.getByRole('region', { name: 'Curves' }).locator('canvas').first();
    await curve.waitFor();
    const seen = await curve.screenshot();
    await expect.poll(async () => (await curve.screenshot()).equals(seen), { timeout: 60_000, interval: 1_000 }).toBe(false); // the curve moves

    await press(button('Stop…'));
    await press(button('Save and stop'));
    await sentence(page, /Stopped at step/);
    const before = Number(/step ([\d,]+)/.exec(await page.getByText(/Stopped at step/).first().innerText())![1]!.replaceAll(',', ''));
    await press(button('Go on'));
    await sentence(page, /Training with LPL, step [1-9]/);
    await expect.poll(async () => Number(/step ([\d,]+)/.exec(await page.getByText(/Training with LPL, step/).first().innerText())?.[1]?.replaceAll(',', '') ?? 0), { timeout: SLOW }).toBeGreaterThan(before);
    await press(button('Stop…'));
    await press(button('Save and stop'));
    await sentence(page, /Stopped at step/);

    if (app.electron) await app.electron.evaluate(({ dialog }, path) => { dialog.showSaveDialog = () => Promise.resolve({ canceled: false, filePath: path }) as never; }, join(home, 'heart.safetensors'));
    await press(button('Export…'));
    await press(page.getByRole('dialog').getByRole('button', { name: 'Export', exact: true }));
    await page.getByRole('dialog').getByText('Done.').waitFor({ timeout: SLOW });
    const runs = join(app.dataDir, 'runs');
    const exported = app.electron ? [join(home, 'heart.safetensors')] : readdirSync(runs).flatMap((id) => readdirSync(join(runs, id, 'exports')).map((f) => join(runs, id, 'exports', f))).filter((f) => f.endsWith('.safetensors'));
    expect(exported.map((f) => existsSync(f))).toEqual([true]);
    expect(app.problems).toEqual([]);
  });
});
