/** What makes the window a desktop app, in real Electron: menus, dialogs, dropped files, progress, notifications, links, window state, crashes. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { remove, scripted, temporaryFolder, until } from '../api/helpers.ts';
import { inElectron, type OpenApp } from './apps.ts';
import { invoke, result } from './bridge.ts';
import { electronBinary } from './electronRuntime.ts';

const root = join(import.meta.dirname, '..', '..');
const demo = join(root, 'resources', 'demo', 'blobs', 'train');
const ready = (app: OpenApp) => app.page.waitForSelector('main > *');
const ended = (app: OpenApp) => new Promise<void>((resolve) => { const p = app.electron!.process(); if (p.exitCode !== null) resolve(); else p.once('exit', () => resolve()); });
const crashes = (app: OpenApp): Record<string, unknown>[] => {
  const folder = join(app.dataDir, 'shell', 'crashes');
  return (existsSync(folder) ? readdirSync(folder) : []).filter((n) => n.endsWith('.json')).map((n) => JSON.parse(readFileSync(join(folder, n), 'utf8')) as Record<string, unknown>);
};
/** Drops files as the system does: the page gets them with their places. */
async function drop(app: OpenApp, files: string[], x: number, y: number): Promise<void> {
  const cdp = await app.page.context().newCDPSession(app.page);
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) await cdp.send('Input.dispatchDragEvent', { type, x, y, data: { items: [], files, dragOperationsMask: 1 } });
  await cdp.detach();
}

describe('one app', () => {
  let app: OpenApp;
  beforeAll(async () => { app = await inElectron({ args: ['lpl-studio://compare/cmp_first'] }); await ready(app); });
  afterAll(() => app.close());
  beforeEach(() => { app.problems.length = 0; });

  test('a link given at the start opens its page', () => { expect(app.page.url()).toMatch(/#\/compare\/cmp_first$/); });

  test('the native menu has what every app has, and leads to every place', async () => {
    const menu = await app.electron!.evaluate(({ Menu }) => Menu.getApplicationMenu()!.items.map((i) => ({ label: i.label, items: i.submenu?.items.filter((s) => s.type !== 'separator').map((s) => s.role ?? s.label) ?? [] })));
    const all = menu.flatMap((m) => m.items.map(String));
    for (const role of ['quit', 'undo', 'redo', 'cut', 'copy', 'paste', 'selectall', 'reload', 'zoomin', 'togglefullscreen', 'minimize']) expect(all.map((i) => i.toLowerCase()), role).toContain(role);
    for (const [label, route] of [['Datasets', '/datasets'], ['Models', '/models'], ['Runs', '/runs'], ['Compare', '/compare'], ['Settings', '/settings'], ['New Run', '/runs/new'], ['Doctor', '/settings/doctor'], ['About LPL Studio', '/settings/about'], ['Start', '/']] as const) {
      await app.electron!.evaluate(({ Menu }, name) => { Menu.getApplicationMenu()!.items.flatMap((i) => i.submenu?.items ?? []).find((i) => i.label === name)!.click(); }, label);
      await expect.poll(() => new URL(app.page.url()).hash, { message: label, timeout: 60_000 }).toBe(`#${route}`);
    }
  });

  test('dialogs are the system\'s, with titles, filters and names; cancelling is an answer', async () => {
    await app.electron!.evaluate(({ dialog }) => {
      const asked: unknown[] = [];
      (globalThis as never as { asked: unknown[] }).asked = asked;
      dialog.showOpenDialog = ((_w: unknown, options: { properties: string[] }) => { asked.push(options); return Promise.resolve({ canceled: false, filePaths: options.properties.includes('openDirectory') ? ['/some/folder'] : [] }); }) as never;
      dialog.showSaveDialog = ((_w: unknown, options: unknown) => { asked.push(options); return Promise.resolve({ canceled: false, filePath: '/some/lora.safetensors' }); }) as never;
    });
    expect(await result(app, 'shell.pickFolder', { title: 'Pictures' })).toEqual({ path: '/some/folder' });
    expect(await result(app, 'shell.pickFile', { extensions: ['.safetensors'] })).toEqual({ path: null });
    expect(await result(app, 'shell.saveFile', { name: '../../etc/lora.safetensors' })).toEqual({ path: '/some/lora.safetensors' });
    expect(await app.electron!.evaluate(() => (globalThis as never as { asked: unknown[] }).asked)).toEqual([
      { title: 'Pictures', properties: ['openDirectory'] }, { properties: ['openFile'], filters: [{ name: '.safetensors', extensions: ['safetensors'] }] }, { defaultPath: 'lora.safetensors' },
    ]);
  });

  test('a folder dropped on the datasets page is taken in; one dropped beside a place for it changes nothing', async () => {
    const folder = join(app.dataDir, 'Dropped pictures');
    mkdirSync(folder);
    for (const name of readdirSync(demo).sort().slice(0, 8)) cpSync(join(demo, name), join(folder, name));
    await app.page.getByRole('link', { name: 'Settings', exact: true }).click();
    await drop(app, [folder], 600, 400);
    await app.page.waitForTimeout(300);
    expect(app.page.url()).toMatch(/^lpl:\/\/app\/.*#\/settings/);
    expect(await result(app, 'datasets.list')).toEqual([]);
    await app.page.getByRole('link', { name: 'Datasets', exact: true }).click();
    await app.page.getByRole('heading', { name: 'Datasets', exact: true }).first().waitFor();
    await drop(app, [folder], 600, 400);
    await until(async () => (await result<{ origin: string; counts: { pictures: number } }[]>(app, 'datasets.list')).some((d) => d.origin === folder && d.counts.pictures === 4), 'the dropped pictures', 30_000);
  });

  test('a second start only brings the first window forward: at the linked run, or where it is', async () => {
    const second = (more: string[]): Promise<number | null> => new Promise((done) => { spawn(electronBinary(), ['--no-sandbox', root, ...more], { env: app.env!, stdio: 'ignore' }).once('exit', done); });
    expect(await second(['lpl-studio://run/run_abc'])).toBe(0);
    await expect.poll(() => app.page.url(), { timeout: 60_000 }).toMatch(/#\/runs\/run_abc$/);
    await app.electron!.evaluate(({ BrowserWindow }) => { BrowserWindow.getAllWindows()[0]!.minimize(); });
    expect(await second([])).toBe(0);
    await expect.poll(() => app.electron!.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().map((w) => w.isMinimized())), { timeout: 60_000 }).toEqual([false]);
    expect(app.page.url()).toMatch(/#\/runs\/run_abc$/);
    expect(await second(['lpl-studio://run/../../etc', 'lpl-studio://settings/x'])).toBe(0);
    await app.page.waitForTimeout(300);
    expect(app.page.url()).toMatch(/#\/runs\/run_abc$/);
  });

  test('a run shows on the taskbar, keeps the machine awake, and says when it is done; a click opens it', async () => {
    await app.electron!.evaluate(({ BrowserWindow, Notification, powerSaveBlocker }) => {
      const window = BrowserWindow.getAllWindows()[0]!;
      const seen = { progress: [] as number[], blockers: [] as number[], shown: [] as Electron.Notification[] };
      (globalThis as never as { seen: typeof seen }).seen = seen;
      window.isFocused = () => false;
      window.setProgressBar = (share) => { seen.progress.push(share); };
      const block = powerSaveBlocker.start.bind(powerSaveBlocker);
      powerSaveBlocker.start = (type) => { const id = block(type); seen.blockers.push(id); return id; };
      Notification.isSupported = () => true;
      Notification.prototype.show = function show(this: Electron.Notification) { seen.shown.push(this); };
    });
    const look = () => app.electron!.evaluate(({ powerSaveBlocker }) => {
      const { seen } = globalThis as never as { seen: { progress: number[]; blockers: number[]; shown: Electron.Notification[] } };
      return { progress: seen.progress, blocked: seen.blockers.map((id) => powerSaveBlocker.isStarted(id)), shown: seen.shown.map((n) => `${n.title}. ${n.body}`) };
    });
    const { id } = await result<{ id: string }>(app, 'runs.create', { name: 'Kitchen', config: scripted(app.dataDir, { steps: 40, ms: 40 }), start: true });
    await until(async () => (await result<{ step: number }>(app, 'runs.get', { id })).step > 5, 'some steps', 30_000);
    expect((await look()).blocked).toEqual([true]);
    await until(async () => (await result<{ state: string }>(app, 'runs.get', { id })).state === 'finished', 'its end', 30_000);
    await expect.poll(async () => (await look()).shown, { timeout: 60_000 }).toEqual(['Kitchen: finished. Step 40 of 40.']);
    const { progress, blocked } = await look();
    expect(blocked).toEqual([false]);
    expect(progress.at(-1)).toBe(-1);
    expect(progress.filter((p) => p > 0 && p <= 1).length).toBeGreaterThan(1);
    await app.electron!.evaluate(() => { (globalThis as never as { seen: { shown: Electron.Notification[] } }).seen.shown[0]!.emit('click'); });
    await expect.poll(() => app.page.url(), { timeout: 60_000 }).toMatch(new RegExp(`#/runs/${id}$`));
  });

  test('notifications can be turned off', async () => {
    await result(app, 'settings.set', { changes: { notifications: false } });
    const shown = () => app.electron!.evaluate(() => (globalThis as never as { seen: { shown: unknown[] } }).seen.shown.length);
    const before = await shown();
    const { id } = await result<{ id: string }>(app, 'runs.create', { config: scripted(app.dataDir, { steps: 3, ms: 5 }), start: true });
    await until(async () => (await result<{ state: string }>(app, 'runs.get', { id })).state === 'finished', 'its end', 30_000);
    await app.page.waitForTimeout(300);
    expect(await shown()).toBe(before);
  });

  test('a page that crashes is written down and comes back; a core that dies is written down', async () => {
    const { pid } = await result<{ pid: number }>(app, 'system.info');
    const back = app.electron!.evaluate(({ BrowserWindow }) => new Promise<void>((done) => {
      const { webContents } = BrowserWindow.getAllWindows()[0]!;
      webContents.once('did-finish-load', () => done());
      webContents.forcefullyCrashRenderer();
    }));
    await back;
    expect(await app.electron!.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.webContents.executeJavaScript('window.lpl.invoke("system.info", {}).then((r) => r.result.pid)') as Promise<number>)).toBe(pid);
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => crashes(app).map((c) => c['what']).sort(), { timeout: 60_000 }).toEqual(['core', 'window']);
    const [core, window] = ['core', 'window'].map((what) => crashes(app).find((c) => c['what'] === what)!);
    expect(core).toMatchObject({ signal: 'SIGKILL', version: '0.1.0' });
    expect(window).toMatchObject({ reason: 'crashed', url: expect.stringContaining('lpl://app/') as unknown, electron: expect.any(String) as unknown });
  });
});

test('the window comes back where it was, and only onto a screen that is there', async () => {
  const dataDir = temporaryFolder();
  const bounds = (app: OpenApp) => app.electron!.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.getBounds());
  const close = async (app: OpenApp): Promise<void> => { await app.electron!.evaluate(({ BrowserWindow }) => { BrowserWindow.getAllWindows()[0]!.close(); }); await ended(app); await app.close(); };
  try {
    let app = await inElectron({ dataDir, keepData: true });
    await ready(app);
    await app.electron!.evaluate(({ BrowserWindow }) => { BrowserWindow.getAllWindows()[0]!.setBounds({ x: 70, y: 40, width: 1100, height: 700 }); });
    await expect.poll(() => bounds(app), { timeout: 60_000 }).toEqual({ x: 70, y: 40, width: 1100, height: 700 });
    await close(app);
    app = await inElectron({ dataDir, keepData: true });
    await ready(app);
    expect(await bounds(app)).toEqual({ x: 70, y: 40, width: 1100, height: 700 });
    await app.electron!.evaluate(({ BrowserWindow }) => { BrowserWindow.getAllWindows()[0]!.getNormalBounds = () => ({ x: 9_000, y: 40, width: 1100, height: 700 }); });
    await close(app);
    app = await inElectron({ dataDir, keepData: true });
    await ready(app);
    const shown = await bounds(app);
    expect([shown.x < 1280, shown.width, shown.height]).toEqual([true, 1100, 700]);
    expect((await invoke(app, 'system.info')).result).toMatchObject({ data_folder: dataDir, shell: true });
    await close(app);
    expect(readdirSync(dataDir)).toContain('shell');
  } finally { remove(dataDir); }
});
