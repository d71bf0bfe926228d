/** The main job as a person does it, with the real engine: model and pictures by clicking, an LPL run, curve, pictures, stop, go on, export. */
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { remove, temporaryFolder } from '../api/helpers.ts';
import { writeTinyModel } from '../engine/tinyModel.ts';
import { inChromium, inElectron, type OpenApp } from './apps.ts';

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
async function chooseFolder(app: OpenApp, home: string, name: string, open: () => Promise<void>): Promise<void> {
  if (app.electron) {
    await app.electron.evaluate(({ dialog }, path) => { dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [path] }) as never; }, join(home, name));
    await open();
    return;
  }
  await open();
  await app.page.getByRole('dialog').getByRole('button', { name: new RegExp(name) }).click();
  await app.page.getByRole('dialog').getByText(join(home, name)).first().waitFor();
  await app.page.getByRole('button', { name: 'Choose this folder' }).click();
}
const field = (page: Page, path: string) => page.locator(`[data-path="${path}"]`);
const sentence = (page: Page, text: RegExp) => page.getByText(text).first().waitFor({ timeout: SLOW });

describe.each([['Chromium on the loopback server', inChromium], ['Electron', inElectron]] as const)('%s', (_, open) => {
  let app: OpenApp | undefined;
  let home = '';
  afterEach(async ({ task }) => { if (task.result?.state === 'fail' && app) await app.page.screenshot({ path: join(tmpdir(), `lpl-failed-${app.electron ? 'electron' : 'chromium'}.png`) }).catch(() => undefined); });
  afterAll(async () => { await app?.close(); if (home) remove(home); });

  test('pick model and data, train with LPL, watch, stop, go on, export the LoRA', { timeout: 900_000 }, async () => {
    home = await makeHome();
    app = await open({ fake: false, home });
    const { page } = app;
    await page.getByRole('link', { name: 'Models' }).click();
    await chooseFolder(app, home, 'A tiny model', async () => {
      await page.getByRole('button', { name: /^Add (a )?model/ }).first().click();
      await page.getByRole('menuitem', { name: /Model folder/ }).click();
    });
    await page.getByRole('link', { name: /A tiny model/ }).waitFor();
    await page.getByText('Fine-tune', { exact: true }).click();
    await expect.poll(() => field(page, 'model.base').locator('select').inputValue()).toMatch(/^mdl_/);
    await field(page, 'data.resolution').locator('input').fill('64');
    await chooseFolder(app, home, 'Twelve pictures', () => field(page, 'data.dataset').getByRole('button', { name: 'Folder…' }).click());
    await field(page, 'lpl.enabled').getByRole('switch').click();
    await field(page, 'training.max_train_steps').locator('input').fill('100000');
    await field(page, 'samples.prompts').locator('input').first().fill('a red heart');
    await page.getByRole('button', { name: 'Start', exact: true }).click();

    await sentence(page, /Training with LPL, step [1-9]/);
    const grid = page.getByRole('region', { name: 'Sample pictures' });
    const picture = grid.locator('img').first();
    await picture.waitFor({ timeout: SLOW });
    await expect.poll(() => picture.evaluate((img: HTMLImageElement) => img.complete && img.naturalWidth), { timeout: 20_000 }).toBeGreaterThan(0);
    const curve = page.getByRole('region', { name: 'Curves' }).locator('canvas').first();
    await curve.waitFor();
    const seen = await curve.screenshot();
    await expect.poll(async () => (await curve.screenshot()).equals(seen), { timeout: 60_000, interval: 1_000 }).toBe(false); // the curve moves

    await page.getByRole('button', { name: 'Stop…' }).click();
    await page.getByRole('button', { name: 'Save and stop' }).click();
    await sentence(page, /Stopped at step/);
    const before = Number(/step ([\d,]+)/.exec(await page.getByText(/Stopped at step/).first().innerText())![1]!.replaceAll(',', ''));
    await page.getByRole('button', { name: 'Go on' }).click();
    await sentence(page, /Training with LPL, step [1-9]/);
    await expect.poll(async () => Number(/step ([\d,]+)/.exec(await page.getByText(/Training with LPL, step/).first().innerText())?.[1]?.replaceAll(',', '') ?? 0), { timeout: SLOW }).toBeGreaterThan(before);
    await page.getByRole('button', { name: 'Stop…' }).click();
    await page.getByRole('button', { name: 'Save and stop' }).click();
    await sentence(page, /Stopped at step/);

    if (app.electron) await app.electron.evaluate(({ dialog }, path) => { dialog.showSaveDialog = () => Promise.resolve({ canceled: false, filePath: path }) as never; }, join(home, 'heart.safetensors'));
    await page.getByRole('button', { name: 'Export…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Export', exact: true }).click();
    await page.getByRole('dialog').getByText('Done.').waitFor({ timeout: SLOW });
    const runs = join(app.dataDir, 'runs');
    const exported = app.electron ? [join(home, 'heart.safetensors')] : readdirSync(runs).flatMap((id) => readdirSync(join(runs, id, 'exports')).map((f) => join(runs, id, 'exports', f))).filter((f) => f.endsWith('.safetensors'));
    expect(exported.map((f) => existsSync(f))).toEqual([true]);
    expect(app.problems).toEqual([]);
  });
});
