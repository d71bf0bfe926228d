/** A messy folder becomes a training set in the real app in Chromium: by mouse, by keyboard alone, and by dropping it on the page. */
import { cpSync, createWriteStream, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Page } from 'playwright-core';
import { afterEach, describe, expect, test } from 'vitest';
import yazl from 'yazl';
import { remove, temporaryFolder } from '../api/helpers.ts';
import { inChromium, type OpenApp } from './apps.ts';

const demo = join(import.meta.dirname, '..', '..', 'resources', 'demo');
const SOON = { timeout: 60_000 };
const KOHYA = '3_red hat';

/** A home with the deliberately untidy pictures, two more in a kohya folder, and something that is no picture. */
function makeHome(): string {
  const home = temporaryFolder(), messy = join(home, 'Messy');
  cpSync(join(demo, 'untidy'), messy, { recursive: true });
  mkdirSync(join(messy, KOHYA));
  mkdirSync(join(home, 'Out'));
  const known = new Set(readdirSync(messy));
  const more = readdirSync(join(demo, 'blobs', 'train')).filter((f) => f.endsWith('.png') && !known.has(f)).sort().slice(0, 2);
  more.forEach((f, i) => cpSync(join(demo, 'blobs', 'train', f), join(messy, KOHYA, `hat ${i + 1}.png`)));
  writeFileSync(join(messy, 'notes.docx'), 'no picture');
  return home;
}
const PICTURES = readdirSync(join(demo, 'untidy')).filter((f) => !f.endsWith('.txt')).length + 2;

const filters = (page: Page) => page.getByRole('navigation', { name: 'Filters' });
const filterRow = (page: Page, name: string) => filters(page).getByRole('button', { name: new RegExp(`^${name}\\b`) });
/** The count beside a filter; 0 when it is not listed. */
const counted = async (page: Page, name: string): Promise<number> => {
  const texts = (await filters(page).getByRole('button').allInnerTexts()).map((t) => t.replaceAll(/\s+/g, ' ').trim()); // read at once: rows come and go
  return Number(/(\d+)$/.exec(texts.find((t) => t.startsWith(name)) ?? '0')![1]);
};
const grid = (page: Page) => page.getByRole('listbox', { name: 'Pictures' });
const shown = (page: Page) => grid(page).getByRole('option');
const datasetId = (page: Page): string => /datasets\/(ds_\w+)/.exec(page.url())![1]!;
async function imported(page: Page): Promise<void> {
  await expect.poll(() => counted(page, 'All pictures'), SOON).toBe(PICTURES);
  await expect.poll(() => page.locator('.job').count(), SOON).toBe(0);
}
const caption = (home: string, file: string): string => readFileSync(join(home, 'Messy', file), 'utf8');

interface ExportedRow { file_name: string; text: string; lpl: { split: string; repeats: number } }
const exportedRows = (folder: string): ExportedRow[] => readdirSync(folder).flatMap((split) => readFileSync(join(folder, split, 'metadata.jsonl'), 'utf8').split('\n').filter(Boolean).map((l) => JSON.parse(l) as ExportedRow));

/** What the run that was just started was given. */
async function givenToRun(app: OpenApp): Promise<{ items: { name: string }[]; left_out: { name: string; reason: string }[] }> {
  await expect.poll(() => app.page.url(), SOON).toMatch(/runs\/run_/);
  const file = join(app.dataDir, 'runs', /runs\/(run_\w+)/.exec(app.page.url())![1]!, 'chosen-data.json');
  await expect.poll(() => existsSync(file), SOON).toBe(true);
  return JSON.parse(readFileSync(file, 'utf8')) as Awaited<ReturnType<typeof givenToRun>>;
}

let app: OpenApp | undefined;
let home = '';
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await app?.page.screenshot({ path: join(tmpdir(), `lpl-failed-curation-${task.name.replaceAll(/\W+/g, '-').slice(0, 40)}.png`) }).catch(() => undefined);
  await app?.close();
  app = undefined;
  remove(home);
});

describe('import, fix, edit, split, export', () => {
  test('by mouse', async () => {
    home = makeHome();
    app = await inChromium({ home });
    const { page } = app;
    const more = async (item: RegExp): Promise<void> => { await page.getByRole('button', { name: 'More' }).click(); await page.getByRole('menuitem', { name: item }).click(); };
    await page.getByRole('link', { name: 'Datasets' }).click();
    await page.getByRole('button', { name: 'Add a folder…' }).first().click();
    await page.getByRole('dialog').getByRole('button', { name: /^Messy/ }).click();
    await page.getByRole('button', { name: 'Choose “Messy”' }).click();
    await imported(page);
    await filters(page).getByText('1 file passed over').click();
    await filters(page).getByText('notes.docx').waitFor();

    // fix
    await page.getByText('At 64 px:').waitFor(); // as the built-in model is trained
    await page.getByLabel('Shown at').selectOption('128');
    await expect.poll(() => counted(page, 'Too small'), SOON).toBe(2);
    await filterRow(page, 'Unreadable').click();
    await expect.poll(() => shown(page).count(), SOON).toBe(1);
    await shown(page).first().click();
    await page.getByRole('complementary', { name: 'Selection' }).getByText(/cut off/).waitFor();
    await filterRow(page, 'Near-duplicates').click();
    await page.getByRole('button', { name: 'Show groups…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Keep the best of each' }).click();
    await expect.poll(() => counted(page, 'Excluded'), SOON).toBeGreaterThanOrEqual(2);
    for (const issue of ['Blurred', 'Almost one colour', 'Too small']) {
      await filterRow(page, issue).click();
      await expect.poll(() => shown(page).count(), SOON).toBe(await counted(page, issue));
      await page.getByRole('button', { name: 'Exclude all shown' }).click();
      await expect.poll(() => grid(page).getByRole('option', { name: /, excluded/ }).count(), SOON).toBe(await counted(page, issue));
    }
    const excluded = await counted(page, 'Excluded');
    await page.getByRole('button', { name: 'Undo: Exclude' }).click();
    await expect.poll(() => counted(page, 'Excluded'), SOON).toBeLessThan(excluded);
    await page.getByRole('button', { name: 'Redo: Exclude' }).click();
    await expect.poll(() => counted(page, 'Excluded'), SOON).toBe(excluded);

    // edit
    await filterRow(page, 'No caption').click();
    await grid(page).getByRole('option', { name: /computer-disk/ }).click();
    await page.getByRole('combobox', { name: 'Add a tag' }).fill('blob emoji of a disk');
    await page.getByRole('combobox', { name: 'Add a tag' }).press('Enter');
    await grid(page).getByRole('option', { name: /factory/ }).click();
    await page.getByRole('combobox', { name: 'Add a tag' }).fill('blob emoji of a factory');
    await page.getByRole('combobox', { name: 'Add a tag' }).press('Enter');
    await filterRow(page, 'All pictures').click();
    await more(/Find and replace/);
    await page.getByLabel('Find', { exact: true }).fill('blob emoji');
    await page.getByLabel('Replace with').fill('sks emoji');
    await page.getByRole('dialog').getByText('blob emoji of a disk').waitFor();
    await page.getByRole('button', { name: /^Change \d+ pictures/ }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await more(/Repeats and class words/);
    await page.getByLabel(`Repeats of ${KOHYA}`).fill('5');
    await page.getByLabel(`Repeats of ${KOHYA}`).press('Tab');
    await expect.poll(() => filterRow(page, KOHYA).innerText(), SOON).toContain('5×');
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('button', { name: /^Save \d+ captions/ }).click();
    await page.getByRole('button', { name: 'Captions saved' }).waitFor();
    expect(caption(home, 'balloon.txt')).toBe('sks emoji of a balloon\n');
    expect(caption(home, 'computer-disk without caption.txt')).toBe('sks emoji of a disk\n');

    // split, export
    await more(/Validation pictures/);
    await page.getByLabel('Hold out').fill('20');
    await page.getByRole('button', { name: 'Draw', exact: true }).click();
    await expect.poll(() => counted(page, 'Validation'), SOON).toBeGreaterThan(1);
    const left = await counted(page, 'Excluded');
    await more(/Export/);
    await page.getByRole('button', { name: 'Choose a folder…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: /^Out/ }).click();
    await page.getByRole('button', { name: 'Choose “Out”' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Export', exact: true }).click();
    const out = join(home, 'Out', 'Messy');
    await expect.poll(() => existsSync(out), SOON).toBe(true);
    const rows = exportedRows(out);
    expect(rows).toHaveLength(PICTURES - left - 1);
    expect(rows.filter((r) => r.lpl.split === 'validation')).toHaveLength(await counted(page, 'Validation'));
    expect(rows.every((r) => r.text.startsWith('sks emoji') || r.lpl.repeats === 5)).toBe(true);

    // and the run form takes it
    const set = datasetId(page);
    await page.getByRole('button', { name: 'Train on these' }).click();
    const field = (path: string) => page.locator(`[data-path="${path}"]`);
    await expect.poll(() => field('data.dataset').locator('select').inputValue(), SOON).toBe(set);
    await expect.poll(() => field('model.base').locator('select').inputValue(), SOON).not.toBe('');
    await field('data.resolution').locator('input').fill('64');
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    const given = await givenToRun(app);
    expect(given.items).toHaveLength(rows.length);
    expect(given.left_out).toHaveLength(left + 1);
    for (const { name, reason } of given.left_out) expect(reason, name).toMatch(/\w{4}/);

    // from the run back to the very pictures it used
    await page.getByRole('button', { name: 'More', exact: true }).click();
    await page.getByRole('menuitem', { name: /The pictures it used/ }).click();
    await page.getByRole('region', { name: `${given.items.length + given.left_out.length} pictures of this version` }).waitFor(SOON);
    expect(datasetId(page)).toBe(set);
    expect(app.problems).toEqual([]);
  });

  test('by keyboard alone', async () => {
    home = makeHome();
    app = await inChromium({ home });
    const { page } = app, keys = page.keyboard;
    const named = (): Promise<string> => page.evaluate(() => { const e = document.activeElement as HTMLInputElement | null; return (e?.getAttribute('aria-label') ?? ([...(e?.labels ?? [])].map((l) => l.textContent).join(' ') || e?.textContent) ?? '').trim(); });
    const tabTo = async (name: RegExp): Promise<void> => {
      for (let i = 0; i < 90; i++) { await keys.press('Tab'); if (name.test(await named())) return; }
      throw new Error(`The keyboard does not reach ${name}: it is at "${await named()}"`);
    };
    const run = async (command: string): Promise<void> => { await keys.press('Control+k'); await page.waitForFunction(() => document.activeElement?.tagName === 'INPUT' && document.activeElement.closest('[role="dialog"]') !== null); await keys.type(command); await page.getByRole('option', { name: new RegExp(command) }).first().waitFor(); await keys.press('Enter'); };
    const filter = async (text: string, found: number): Promise<void> => {
      await keys.press('/');
      await expect.poll(named, SOON).toBe('Filter');
      await keys.press('Control+a');
      await keys.type(text);
      await expect.poll(() => shown(page).count(), SOON).toBe(found);
      await keys.press('Enter');
      await expect.poll(named, SOON).toBe('Pictures');
    };
    await keys.press('g');
    await keys.press('d');
    await page.getByRole('heading', { name: 'Datasets' }).waitFor();
    await keys.press('a');
    await tabTo(/^Messy/);
    await keys.press('Enter');
    await page.getByRole('button', { name: 'Choose “Messy”' }).waitFor();
    await tabTo(/^Choose “/);
    await keys.press('Enter');
    await imported(page);
    await tabTo(/^Shown at/);
    await keys.press('ArrowDown');
    await keys.press('Tab'); // letters choose in a list

    // fix: leave out what the filter finds, keep the best of duplicates, look at one as it is trained
    await expect.poll(() => counted(page, 'Too small'), SOON).toBe(2);
    await filter('issue:too-small OR issue:flat OR issue:blurred', 4);
    await keys.press('Control+a');
    await keys.press('x');
    await expect.poll(() => counted(page, 'Excluded'), SOON).toBe(4);
    await keys.press('Control+z');
    await expect.poll(() => counted(page, 'Excluded'), SOON).toBe(0);
    await keys.press('Control+Shift+z');
    await expect.poll(() => counted(page, 'Excluded'), SOON).toBe(4);
    await run('Keep the best of duplicates');
    await expect.poll(() => counted(page, 'Excluded'), SOON).toBeGreaterThan(4);

    // edit: two captions in a row without leaving the box, then look, then save
    await filter('issue:no-caption excluded:no -issue:unreadable', 2);
    await keys.press('ArrowRight');
    await keys.press('e');
    await keys.type('blob emoji of a disk, grey');
    await keys.press('Enter');
    await page.getByRole('button', { name: /^grey: show/ }).waitFor();
    await keys.press('Control+ArrowDown');
    await expect.poll(named, SOON).toBe('Add a tag');
    await keys.type('blob emoji of a factory');
    await keys.press('Enter');
    await page.getByRole('button', { name: /^blob emoji of a factory: show/ }).waitFor();
    await keys.press('Escape');
    await expect.poll(named, SOON).toBe('Pictures');
    await filter('monkey', 1);
    await keys.press('ArrowRight');
    await keys.press(' ');
    await page.getByRole('dialog').getByText('128 × 128 px').waitFor();
    await keys.press('t');
    const cut = page.getByRole('dialog').locator('img');
    await expect.poll(() => cut.getAttribute('src'), SOON).toMatch(/media\/cut/);
    await expect.poll(() => cut.evaluate((img: HTMLImageElement) => [img.naturalWidth, img.naturalHeight]), SOON).toEqual([128, 128]);
    await keys.press('m');
    await page.locator('img.flipped').waitFor();
    await keys.press(' ');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await keys.press('Control+s');
    await page.getByRole('button', { name: 'Captions saved' }).waitFor();
    expect(caption(home, 'computer-disk without caption.txt')).toBe('blob emoji of a disk, grey\n');
    expect(caption(home, 'factory without caption.txt')).toBe('blob emoji of a factory\n');

    // split, export, train
    await run('Validation pictures');
    await tabTo(/^Hold out/);
    await keys.press('Control+a');
    await keys.type('20');
    await keys.press('Enter');
    await expect.poll(() => counted(page, 'Validation'), SOON).toBeGreaterThan(1);
    await run('Export');
    await tabTo(/^Choose a folder/);
    await keys.press('Enter');
    await tabTo(/^Out/);
    await keys.press('Enter');
    await page.getByRole('button', { name: 'Choose “Out”' }).waitFor();
    await tabTo(/^Choose “/);
    await keys.press('Enter');
    await tabTo(/^Export$/);
    await keys.press('Enter');
    const out = join(home, 'Out', 'Messy');
    await expect.poll(() => existsSync(out), SOON).toBe(true);
    expect(exportedRows(out)).toHaveLength(PICTURES - await counted(page, 'Excluded') - 1);
    const set = datasetId(page);
    await tabTo(/^Train on these/);
    await keys.press('Enter');
    await expect.poll(() => page.locator('[data-path="data.dataset"] select').inputValue(), SOON).toBe(set);
    expect(app.problems).toEqual([]);
  });
});

describe('dropped on the page, or chosen one by one', () => {
  test('a folder with folders in it, a zip, and single pictures become data sets', async () => {
    home = makeHome();
    app = await inChromium({ home });
    const { page } = app;
    await page.getByRole('link', { name: 'Datasets' }).click();
    await page.getByRole('heading', { name: 'No data sets yet' }).waitFor();
    await dropFiles(page, [join(home, 'Messy')]);
    await imported(page);
    await page.getByRole('heading', { name: 'Messy' }).waitFor();
    await filterRow(page, KOHYA).click();
    await expect.poll(() => shown(page).count(), SOON).toBe(2);

    const zip = new yazl.ZipFile();
    for (const name of ['balloon.png', 'balloon.txt', 'bus.png']) zip.addFile(join(demo, 'untidy', name), `toys/${name}`);
    zip.end();
    await pipeline(zip.outputStream, createWriteStream(join(home, 'toys.zip')));
    await page.getByRole('link', { name: 'All data sets' }).click();
    await page.getByRole('link', { name: 'Messy' }).waitFor();
    await dropFiles(page, [join(home, 'toys.zip')]);
    await page.getByRole('heading', { name: 'toys' }).waitFor();
    await expect.poll(() => counted(page, 'All pictures'), SOON).toBe(2);
    await filterRow(page, 'toys').waitFor();

    await page.getByRole('link', { name: 'All data sets' }).click();
    await page.getByRole('button', { name: 'Add pictures…' }).click();
    const picker = page.getByRole('dialog');
    await picker.getByRole('button', { name: /^Messy/ }).click();
    await picker.getByRole('button', { name: /^bus\.png/ }).click();
    await picker.getByRole('button', { name: /^volcano\.png/ }).click({ modifiers: ['Control'] });
    await picker.getByRole('button', { name: 'Choose 2 files' }).click();
    await page.getByRole('heading', { name: 'Messy' }).waitFor();
    await expect.poll(() => counted(page, 'All pictures'), SOON).toBe(2);
    await grid(page).getByRole('option', { name: /volcano/ }).waitFor();
    expect(app.problems).toEqual([]);
  });
});

/** As the system's file manager drops them: a real drag with files, which no script of a page can make. */
async function dropFiles(page: Page, files: string[]): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  const data = { items: [], files, dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) await devtools.send('Input.dispatchDragEvent', { type, x: 640, y: 400, data });
}
