/** A first-time user, the model that comes with the app and a folder of their own: how many clicks until LPL trains. The real engine. */
import { cpSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { remove, temporaryFolder } from '../api/helpers.ts';
import { inChromium, type OpenApp } from './apps.ts';

const LONG = 300_000;
const demo = join(import.meta.dirname, '..', '..', 'resources', 'demo', 'blobs', 'train');
let app: OpenApp | undefined;
let home = '';
afterAll(async () => { await app?.close(); if (home) remove(home); });

test('at most eight clicks from the start page to a running LPL fine-tune of an own folder, without typing', { timeout: 2 * LONG }, async () => {
  home = temporaryFolder();
  mkdirSync(join(home, 'My pictures'));
  for (const name of readdirSync(demo).sort().slice(0, 16)) cpSync(join(demo, name), join(home, 'My pictures', name));
  app = await inChromium({ fake: false, home });
  const { page } = app;
  await page.evaluate(() => {
    const counted = { clicks: 0, keys: 0 };
    Object.assign(window, { counted });
    addEventListener('click', (e) => { if (e.isTrusted) counted.clicks += 1; }, { capture: true });
    addEventListener('keydown', (e) => { if (e.isTrusted) counted.keys += 1; }, { capture: true });
  });
  await page.getByRole('link', { name: /A run/ }).click();
  await page.locator('[data-path="data.dataset"]').getByRole('button', { name: 'Folder…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: /My pictures/ }).click();
  await page.getByRole('button', { name: 'Choose “My pictures”' }).click();
  await page.getByRole('switch', { name: 'Latent Perceptual Loss' }).click();
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.getByText(/Training with LPL, step [1-9]/).first().waitFor({ timeout: LONG });
  const { clicks, keys } = await page.evaluate(() => (window as never as { counted: { clicks: number; keys: number } }).counted);
  expect(clicks).toBe(6);
  expect(keys).toBe(0);
  await page.getByRole('button', { name: 'Stop…' }).click();
  await page.getByRole('button', { name: 'Save and stop' }).click();
  await page.getByText(/Stopped at step/).first().waitFor({ timeout: LONG });
});
