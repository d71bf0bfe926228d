/**
 * Pictures of every page in its states: node tests/renderer/screenshots.ts OUT [word …]
 * (only shots whose name contains all words, such as "full-dark-large"; "a|b": one of them). Uses the fake core, so nothing has to run. With --docs as OUT the pictures
 * that the documents show are made anew, small, in docs/screenshots.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { launchBrowser } from './harness/browser.ts';
import { buildHarness, serveFolder } from './harness/build.ts';
import { shots } from './shots.ts';

const [given = 'dist/screenshots', ...words] = process.argv.slice(2);
const docs = given === '--docs';
const out = docs ? 'docs/screenshots' : given;
/** What the documents show: each page once, full, and what it looks like empty, broken and light. */
const inDocs = /^((start|datasets|curate-one|curate-duplicates|models|new-run-lpl|run-live|run-viewer|comparison|comparison-numbers|doctor|palette)-full-dark|(run-live|curate-one|new-run-lpl)-full-light|(runs|datasets)-empty-dark|runs-broken-dark)-small$/;
const sizes = { small: { width: 1280, height: 800 }, large: { width: 1920, height: 1080 }, huge: { width: 3840, height: 2160 } } as const;

async function take(page: Page, url: string, theme: string, size: keyof typeof sizes): Promise<void> {
  for (const shot of shots) {
    const name = `${shot.name}-${shot.scenario}-${theme}-${size}`;
    if (docs ? !inDocs.test(name) : !words.every((w) => w.split('|').some((one) => name.includes(one)))) continue;
    await page.goto('about:blank');
    await page.goto(`${url}/?scenario=${shot.scenario}&theme=${theme}#${shot.path}`);
    await page.waitForSelector('main > *');
    await page.waitForTimeout(150);
    await shot.act?.(page);
    await page.waitForTimeout(250);
    const png = await page.screenshot();
    if (docs) await sharp(png).webp({ quality: 78 }).toFile(join(out, `${name.replace(/-small$/, '')}.webp`));
    else writeFileSync(join(out, `${name}.png`), png);
  }
}

mkdirSync(out, { recursive: true });
const { url, close } = await serveFolder(await buildHarness());
const browser = await launchBrowser();
for (const size of ['small', 'large', 'huge'] as const) {
  if (docs && size !== 'small') continue;
  const page = await browser.newPage({ viewport: sizes[size] });
  page.on('pageerror', (e) => console.error('page error', e.message));
  page.on('console', (m) => { if (m.type() === 'error') console.error('console', m.text()); });
  for (const theme of ['dark', 'light']) await take(page, url, theme, size);
}
await browser.close();
close();
