/** A comparison as a person makes it, with the real engine on the tests' tiny model: made, watched, looked at, voted on, extended, and its report opened. */
import { cpSync, mkdirSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, expect, test } from 'vitest';
import { remove, temporaryFolder } from '../api/helpers.ts';
import { writeTinyModel } from '../engine/tinyModel.ts';
import { inChromium, type OpenApp } from './apps.ts';

const SLOW = { timeout: 300_000 };
const demo = join(import.meta.dirname, '..', '..', 'resources', 'demo', 'blobs');
let app: OpenApp | undefined, home = '';
afterEach(async ({ task }) => { if (task.result?.state === 'fail' && app) await app.page.screenshot({ path: join(tmpdir(), 'lpl-failed-compare.png') }).catch(() => undefined); });
afterAll(async () => { await app?.close(); if (home) remove(home); });

/** A home with a tiny model, and pictures of which ten are held out. */
async function makeHome(): Promise<string> {
  const made = temporaryFolder(), folder = join(made, 'Pictures to learn');
  await writeTinyModel(join(made, 'A tiny model'));
  for (const [from, to, files] of [['train', folder, 8], ['validation', join(folder, 'validation'), 20]] as const) {
    mkdirSync(to, { recursive: true });
    for (const name of readdirSync(join(demo, from)).sort().slice(0, files)) cpSync(join(demo, from, name), join(to, name));
  }
  return made;
}

async function chooseFolder(page: Page, name: string): Promise<void> {
  await page.getByRole('dialog').getByRole('button', { name: new RegExp(name) }).click();
  await page.getByRole('button', { name: `Choose “${name}”` }).click();
}
const field = (page: Page, path: string) => page.locator(`[data-path="${path}"]`);
const tab = (page: Page, name: string) => page.getByRole('tab', { name, exact: true });
const loaded = (page: Page, selector: string): Promise<boolean> => page.locator(selector).evaluateAll((all) => all.length > 0 && (all as HTMLImageElement[]).every((i) => i.complete && i.naturalWidth > 0));

async function make(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Models' }).click();
  await page.getByRole('button', { name: /^Add (a )?model/ }).first().click();
  await page.getByRole('menuitem', { name: /Model folder/ }).click();
  await chooseFolder(page, 'A tiny model');
  await page.getByRole('link', { name: /A tiny model/ }).waitFor();
  await page.getByText('Fine-tune', { exact: true }).click();
  await expect.poll(() => field(page, 'model.base').locator('select').inputValue()).toMatch(/^mdl_/);
  await field(page, 'data.resolution').locator('input').fill('64');
  await field(page, 'data.dataset').getByRole('button', { name: 'Folder…' }).click();
  await chooseFolder(page, 'Pictures to learn');
  await field(page, 'training.max_train_steps').locator('input').fill('20'); // with this seed the 17th step is the first whose noise lies below LPL's threshold
  await field(page, 'samples.prompts').locator('input').first().fill('a red heart');
  await page.getByRole('button', { name: 'Compare…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Compare LPL with baseline' });
  await dialog.getByText('3 runs, 60 steps in all.').waitFor();
  await dialog.getByLabel('Name').fill('Tiny hearts');
  await dialog.getByRole('button', { name: 'Start the comparison' }).click();
}

/** In the queue it is one entry with its part, and the page leads there and back. */
async function watchTheQueue(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Runs' }).first().click();
  const row = page.getByRole('row', { name: /Tiny hearts.*arm \d of 3, seed 1 of 1, step \d+ of 20/ });
  await row.waitFor(SLOW);
  expect(await page.getByRole('row', { name: /Tiny hearts: .*(Waiting|Starting|Training)/ }).count()).toBe(0); // its runs are no entries of their own
  await page.goBack();
}

async function lookAtPictures(page: Page): Promise<void> {
  await tab(page, 'Pictures').click();
  const slider = page.getByLabel('Slider between the arms');
  await slider.waitFor();
  await expect.poll(() => loaded(page, '.frame img')).toBe(true);
  for (const [key, seen] of [['b', 'Now: Baseline'], ['d', 'Absolute difference'], ['v', 'Side by side'], ['o', 'Detail 1:1'], ['t', 'All']] as const) {
    await page.keyboard.press(key);
    if ('vot'.includes(key)) await page.getByRole('radio', { name: seen, exact: true, checked: true }).waitFor(); else await page.getByText(seen).first().waitFor();
  }
  await page.getByRole('region', { name: 'All pictures of this step' }).getByRole('button', { name: /a red heart, seed 1, LPL: open/ }).click();
  await slider.waitFor();
  await page.keyboard.press('[');
  await page.getByText(/^step 0/).waitFor();
  await page.keyboard.press('+');
  await expect.poll(() => page.locator('.frame img').first().evaluate((i) => (i as HTMLElement).style.transform)).toBe('scale(2)');
}

async function vote(page: Page): Promise<void> {
  await tab(page, 'Vote').click();
  await page.getByText(/: which is better\?/).click(); // off the tab, whose own arrow keys lead to the next one
  for (const [i, key] of ['ArrowLeft', 'ArrowRight', 'ArrowDown'].entries()) {
    await expect.poll(() => loaded(page, '.pair img')).toBe(true);
    await page.keyboard.press(key);
    await page.getByText(new RegExp(`^${i + 1} of \\d+ judged`)).waitFor();
  }
  expect(await page.getByText(/Baseline|for LPL/).filter({ visible: true }).locator('xpath=ancestor::*[@role="tabpanel"]').count()).toBe(0); // blind: no arm is named on the ballot
  await page.getByRole('button', { name: 'End and unblind' }).click();
  await page.getByText(/3 votes: \d for LPL, \d for Baseline, 1 tie\./).waitFor();
  await page.getByText(/of the 2 decided votes went to LPL; 95 % interval/).waitFor();
}

/** Saves the report, and opens it where there is no network and no app. */
async function readReport({ page }: OpenApp): Promise<void> {
  await tab(page, 'Report').click();
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save the report…' }).focus();
  await page.keyboard.press('Enter');
  const file = join(home, 'report.html');
  await (await saved).saveAs(file);
  const context = await page.context().browser()!.newContext({ offline: true, javaScriptEnabled: false }), alone = await context.newPage(), asked: string[] = [];
  alone.on('request', (r) => { if (!r.url().startsWith('file:') && !r.url().startsWith('data:')) asked.push(r.url()); });
  await alone.goto(`file://${file}`);
  expect(await alone.locator('h1').innerText()).toBe('Tiny hearts');
  expect(await alone.locator('.verdict').first().innerText()).toMatch(/KID/);
  expect(await alone.locator('.pictures img').count()).toBeGreaterThan(10);
  expect(await loaded(alone, '.pictures img')).toBe(true);
  expect(await alone.locator('figure svg[role=img]').count()).toBeGreaterThan(8);
  expect(asked).toEqual([]);
  await context.close();
}

test('make a comparison, watch it, look at it, vote, keep its report, add an arm', { timeout: 1_200_000 }, async () => {
  home = await makeHome();
  app = await inChromium({ fake: false, home });
  const { page } = app;
  await make(page);
  await page.getByText(/Training, step \d+ of 60 in all|waiting in the queue/).first().waitFor(SLOW);
  await watchTheQueue(page);
  await page.getByText('3 runs trained and measured.').first().waitFor(SLOW);

  await lookAtPictures(page);
  await tab(page, 'Curves').click();
  await page.locator('canvas').first().waitFor();
  await page.getByRole('radio', { name: 'Training time' }).click();
  await page.getByText('LPL costs time').waitFor();
  await tab(page, 'Curves').focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: /KID to held-out pictures/ }).waitFor();
  await page.getByText(/No difference in KID|No verdict on KID|(better|worse) than the baseline in KID/).first().waitFor();
  await tab(page, 'What differs').click();
  await page.getByRole('cell', { name: /Latent Perceptual Loss/ }).waitFor();
  await vote(page);
  await readReport(app);

  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Add an arm…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add an arm' });
  await dialog.getByLabel(/^Weight/).fill('3');
  await dialog.getByRole('button', { name: 'Add and train' }).click();
  await page.getByText('LPL, weight 3').first().waitFor();
  await page.getByText('4 runs trained and measured.').first().waitFor(SLOW);
  expect(app.problems).toEqual([]);
});
