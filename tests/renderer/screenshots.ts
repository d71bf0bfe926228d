/**
 * Pictures of every page in its states: node tests/renderer/screenshots.ts OUT [word …]
 * (only shots whose name contains all words). Uses the fake core, so nothing has to run.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { launchBrowser } from './harness/browser.ts';
import { buildHarness, serveFolder } from './harness/build.ts';
import { shots } from './shots.ts';

const [out = 'dist/screenshots', ...words] = process.argv.slice(2);
const sizes = { small: { width: 1280, height: 800 }, large: { width: 1920, height: 1080 } } as const;

async function take(page: Page, url: string, theme: string, size: keyof typeof sizes): Promise<void> {
  for (const shot of shots) {
    const name = `${shot.name}-${shot.scenario}-${theme}-${size}`;
    if (!words.every((w) => name.includes(w))) continue;
    await page.goto('about:blank');
    await page.goto(`${url}/?scenario=${shot.scenario}&theme=${theme}#${shot.path}`);
    await page.waitForSelector('main > *');
    await page.waitForTimeout(150);
    await shot.act?.(page);
    await page.waitForTimeout(250);
    await page.screenshot({ path: join(out, `${name}.png`) });
  }
}

mkdirSync(out, { recursive: true });
const { url, close } = await serveFolder(await buildHarness());
const browser = await launchBrowser();
for (const size of ['small', 'large'] as const) {
  const page = await browser.newPage({ viewport: sizes[size] });
  page.on('pageerror', (e) => console.error('page error', e.message));
  page.on('console', (m) => { if (m.type() === 'error') console.error('console', m.text()); });
  for (const theme of ['dark', 'light']) await take(page, url, theme, size);
}
await browser.close();
close();
