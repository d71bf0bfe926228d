/** The desktop shell in real Electron: its security, what closing does, one instance, a core that dies, deep links. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { remove, scripted, temporaryFolder, until } from '../api/helpers.ts';
import { inElectron, type OpenApp } from './apps.ts';
import { electronBinary } from './electronRuntime.ts';

type Bridge = { lpl: { invoke(m: string, p: unknown): Promise<{ result?: unknown; error?: { code: string } }>; subscribe(s: unknown, f: (m: unknown) => void): () => void } };
const invoke = (app: OpenApp, method: string, params: unknown = {}) => app.page.evaluate(([m, p]) => (window as never as Bridge).lpl.invoke(m as string, p), [method, params] as const);
const result = async <T>(app: OpenApp, method: string, params: unknown = {}): Promise<T> => {
  const reply = await invoke(app, method, params);
  if (reply.error) throw new Error(`${method}: ${JSON.stringify(reply.error)}`);
  return reply.result as T;
};

describe('security', () => {
  let app: OpenApp;
  beforeAll(async () => { app = await inElectron(); await app.page.waitForSelector('main > *'); });
  afterAll(() => app.close());

  test('the page has neither Node nor Electron, only the bridge\'s three functions', async () => {
    const found = await app.page.evaluate(() => ({
      node: ['require', 'process', 'module', 'Buffer', '__dirname', 'global'].filter((n) => n in window), bridge: Object.keys((window as never as Bridge).lpl).sort(), origin: location.origin,
    }));
    expect(found).toEqual({ node: [], bridge: ['invoke', 'pathOf', 'subscribe'], origin: 'lpl://app' });
  });
  test('its web preferences are the safe ones', async () => {
    const prefs = await app.electron!.evaluate(({ BrowserWindow }) => (BrowserWindow.getAllWindows()[0]!.webContents as never as { getLastWebPreferences(): Record<string, unknown> }).getLastWebPreferences());
    expect(prefs).toMatchObject({ contextIsolation: true, sandbox: true, nodeIntegration: false, webSecurity: true, webviewTag: false });
    expect(prefs['allowRunningInsecureContent']).not.toBe(true);
  });
  test('it goes nowhere else and opens no windows', async () => {
    const here = app.page.url();
    expect(await app.page.evaluate(() => window.open('https://example.com/') === null && window.open('file:///etc/passwd') === null)).toBe(true);
    for (const url of ['https://example.com/', 'file:///etc/passwd', 'data:text/html,x']) {
      await app.page.evaluate((u) => { location.href = u; }, url);
      await app.page.waitForTimeout(150);
      expect(app.page.url()).toBe(here);
    }
    expect(await app.electron!.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1);
  });
  test('permissions are denied', async () => {
    expect(await app.page.evaluate(() => Notification.requestPermission())).toBe('denied');
    const refused = await app.page.evaluate(() => Promise.all([
      navigator.mediaDevices.getUserMedia({ audio: true }).then(() => 'given', (e: Error) => e.name),
      new Promise((r) => navigator.geolocation.getCurrentPosition(() => r('given'), () => r('denied'))),
    ]));
    expect(refused).not.toContain('given');
  });
  test('inline scripts, eval and foreign connections are stopped by the policy', async () => {
    const found = await app.page.evaluate(async () => {
      const violations: string[] = [];
      document.addEventListener('securitypolicyviolation', (e) => violations.push(e.effectiveDirective));
      const script = document.createElement('script');
      script.textContent = 'window.injected = true';
      document.body.append(script);
      const image = new Image();
      image.src = 'https://example.com/x.png';
      document.body.append(image);
      await fetch('https://example.com/').catch(() => undefined);
      await new Promise((r) => setTimeout(r, 200));
      let evaluated = true; // after the wait: the tool that drives this page may evaluate, the page may not
      try { new Function('return 1')(); } catch { evaluated = false; }
      return { violations, injected: 'injected' in window, evaluated };
    });
    expect(found.injected).toBe(false);
    expect(found.evaluated).toBe(false);
    expect(found.violations).toEqual(expect.arrayContaining(['script-src-elem', 'img-src', 'connect-src']));
    app.problems.length = 0;
  });
  test('IPC from a foreign frame is refused', async () => {
    const refused = await app.electron!.evaluate(async ({ BrowserWindow }, preload) => {
      const other = new BrowserWindow({ show: false, webPreferences: { preload, sandbox: true, contextIsolation: true } });
      await other.loadURL('data:text/html,<p>foreign</p>');
      const reply = await other.webContents.executeJavaScript('window.lpl.invoke("projects.list", {})') as { error?: { code: string } };
      other.destroy();
      return reply.error?.code;
    }, join(import.meta.dirname, '..', '..', 'dist', 'electron', 'preload.cjs'));
    expect(refused).toBe('shell.refused');
  });
  test('files are served by id only: no path leads out of the window\'s folder', async () => {
    const status = await app.page.evaluate(() => Promise.all(['/%2e%2e/%2e%2e/package.json', '/..%2f..%2fpackage.json', '/media/sample/..%2f..%2fpackage.json', '/media/file/etc', '/main.cjs'].map(async (p) => (await fetch(p)).status)));
    expect(status).toEqual([404, 404, 404, 404, 404]);
    app.problems.length = 0;
  });
  test('nonsense over the bridge gets clear errors', async () => {
    const codes = await app.page.evaluate(async () => {
      const bridge = (window as never as Bridge).lpl;
      const all: (string | undefined)[] = [];
      for (const [m, p] of [['nope', {}], ['__proto__', {}], ['shell.nope', {}], ['shell.pickFile', { extensions: 5 }], ['runs.get', { id: '../x' }], ['shell.reveal', { run_id: 'none' }]] as const) all.push((await bridge.invoke(m, p)).error?.code);
      return all;
    });
    expect(codes).toEqual(['method.unknown', 'method.unknown', 'method.unknown', 'params.invalid', 'params.invalid', 'run.not_found']);
  });
  test('a core that is killed comes back, and the window is told to start over', async () => {
    const { pid } = await result<{ pid: number }>(app, 'system.info');
    const pushes = app.page.evaluate(() => new Promise((done) => {
      const seen: unknown[] = [];
      (window as never as Bridge).lpl.subscribe({ topics: ['runs'] }, (m) => { seen.push(m); if (seen.length === 2) done(seen); });
    }));
    await app.page.waitForTimeout(300);
    process.kill(pid, 'SIGKILL');
    expect(await pushes).toMatchObject([{ hello: { reset: true } }, { hello: { reset: true } }]);
    expect((await result<{ pid: number }>(app, 'system.info')).pid).not.toBe(pid);
  });
});

const alive = (pid: number): boolean => { try { process.kill(pid, 0); return true; } catch { return false; } };
const trainerPid = (dataDir: string, id: string): number => Number(/"type":"started","pid":(\d+)/.exec(readFileSync(join(dataDir, 'runs', id, 'events.jsonl'), 'utf8'))![1]);

describe('closing while a run trains', () => {
  async function training(answer: number): Promise<{ app: OpenApp; id: string; pid: number; dataDir: string }> {
    const dataDir = temporaryFolder();
    const app = await inElectron({ dataDir, keepData: true });
    await app.page.waitForSelector('main > *');
    const { id } = await result<{ id: string }>(app, 'runs.create', { config: scripted(dataDir, { steps: 1_000_000, ms: 20 }), start: true });
    await until(async () => (await result<{ step: number }>(app, 'runs.get', { id })).step > 0, 'a step', 60_000);
    await app.electron!.evaluate(({ dialog }, response) => { dialog.showMessageBox = () => Promise.resolve({ response, checkboxChecked: false }) as never; }, answer);
    return { app, id, pid: trainerPid(dataDir, id), dataDir };
  }
  const closeWindow = (app: OpenApp) => app.electron!.evaluate(({ BrowserWindow }) => { BrowserWindow.getAllWindows()[0]!.close(); });
  const ended = (app: OpenApp) => new Promise<void>((resolve) => { const p = app.electron!.process(); if (p.exitCode !== null) resolve(); else p.once('exit', () => resolve()); });

  test('"Keep training" ends the app and not the training; the next start finds it', async () => {
    const { app, id, pid, dataDir } = await training(0);
    await closeWindow(app);
    await ended(app);
    await app.close();
    expect(alive(pid)).toBe(true);
    const again = await inElectron({ dataDir });
    try {
      await again.page.waitForSelector('main > *');
      const run = await result<{ state: string; step: number }>(again, 'runs.get', { id });
      expect(run.state).toBe('running');
      await until(async () => (await result<{ step: number }>(again, 'runs.get', { id })).step > run.step, 'another step', 30_000);
      await result(again, 'runs.stop', { id });
      await until(async () => (await result<{ state: string }>(again, 'runs.get', { id })).state === 'stopped', 'the stop, told through the folder', 30_000);
    } finally { await again.close(); }
  });
  test('"Stop and save" waits for the checkpoint', async () => {
    const { app, id, pid, dataDir } = await training(1);
    await closeWindow(app);
    await ended(app);
    await app.close();
    expect(alive(pid)).toBe(false);
    expect(readdirSync(join(dataDir, 'runs', id, 'checkpoints')).length).toBe(1);
    remove(dataDir);
  });
  test('"Cancel" keeps the window', async () => {
    const { app, id, pid } = await training(2);
    await closeWindow(app);
    await app.page.waitForTimeout(500);
    expect(alive(pid)).toBe(true);
    await result(app, 'runs.kill', { id });
    await until(async () => !alive(pid), 'its end');
    await app.close();
    remove(app.dataDir);
  });
});

test('a second start only brings the first window forward, at the linked run', async () => {
  const app = await inElectron();
  try {
    await app.page.waitForSelector('main > *');
    const second = spawn(electronBinary(), ['--no-sandbox', join(import.meta.dirname, '..', '..'), 'lpl-studio://run/run_abc'], { env: app.env!, stdio: 'ignore' });
    await new Promise((r) => second.once('exit', r));
    await expect.poll(() => app.page.url(), { timeout: 20_000 }).toMatch(/#\/runs\/run_abc$/);
    expect(existsSync(join(app.dataDir, 'studio.sqlite'))).toBe(true);
  } finally { await app.close(); }
});
