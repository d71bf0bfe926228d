/** The desktop shell in real Electron: its security, what closing does, one instance, a core that dies, deep links. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { remove, scripted, temporaryFolder, until } from '../api/helpers.ts';
import { inElectron, type OpenApp } from './apps.ts';
import { invoke, result, type Bridge } from './bridge.ts';


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
  test('it goes nowhere else, whichever way, and opens no windows', async () => {
    const here = app.page.url();
    const ways: ((url: string) => void)[] = [
      (u) => { location.href = u; },
      (u) => { const a = document.createElement('a'); a.href = u; document.body.append(a); a.click(); a.remove(); },
      (u) => { const f = document.createElement('form'); f.action = u; f.method = 'post'; document.body.append(f); f.submit(); f.remove(); },
      (u) => { const m = document.createElement('meta'); m.httpEquiv = 'refresh'; m.content = `0;url=${u}`; document.head.append(m); },
    ];
    for (const url of ['https://example.com/', 'file:///etc/passwd', 'data:text/html,x', 'lpl://elsewhere/index.html']) {
      for (const go of ways) {
        await app.page.evaluate(go, url);
        await app.page.waitForTimeout(80);
        expect(app.page.url()).toBe(here);
      }
    }
    expect(await app.page.evaluate(() => window.open('http://example.com/') === null && window.open('file:///etc/passwd') === null && window.open('lpl://app/index.html') === null && window.open('') === null)).toBe(true);
    await app.page.evaluate(() => { const a = document.createElement('a'); Object.assign(a, { href: 'lpl://app/index.html', target: '_blank' }); document.body.append(a); a.click(); a.remove(); });
    await app.page.waitForTimeout(200);
    expect(await app.electron!.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1);
    expect(await app.page.locator('main').count()).toBe(1); // the page is still the app
    app.problems.length = 0;
  });
  test('only https links leave, and for the browser', async () => {
    const opened = await app.electron!.evaluate(({ shell }) => { const urls: string[] = []; shell.openExternal = (url) => { urls.push(url); return Promise.resolve(); }; (globalThis as never as { urls: string[] }).urls = urls; }).then(async () => {
      await app.page.evaluate(() => { for (const u of ['https://example.com/a', 'http://example.com/b', 'file:///bin/sh', 'smb://host/c']) window.open(u); });
      await app.page.waitForTimeout(200);
      return app.electron!.evaluate(() => (globalThis as never as { urls: string[] }).urls);
    });
    expect(opened).toEqual(['https://example.com/a']);
  });
  test('permissions are denied, but for copying text', async () => {
    const asked = await app.page.evaluate(async () => {
      const failed = (p: Promise<unknown>): Promise<string> => p.then(() => 'given', (e: Error) => e.name);
      const state = (name: string): Promise<string> => navigator.permissions.query({ name: name as PermissionName }).then((s) => s.state, () => 'unknown');
      return {
        notification: await Notification.requestPermission(),
        microphone: await failed(navigator.mediaDevices.getUserMedia({ audio: true })), screen: await failed(navigator.mediaDevices.getDisplayMedia()),
        midi: await failed(navigator.requestMIDIAccess({ sysex: true })), place: await new Promise((r) => { navigator.geolocation.getCurrentPosition(() => r('given'), () => r('denied')); }),
        states: await Promise.all(['notifications', 'geolocation', 'camera', 'microphone', 'midi', 'clipboard-read'].map(state)),
      };
    });
    expect(asked.states).toEqual(Array.from({ length: 6 }, () => 'denied'));
    expect([asked.notification, asked.place]).toEqual(['denied', 'denied']);
    expect([asked.microphone, asked.screen, asked.midi]).not.toContain('given');
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
      const handler = document.createElement('button');
      handler.setAttribute('onclick', 'window.injected = true');
      handler.click();
      const foreign = document.createElement('script');
      foreign.src = 'https://example.com/x.js';
      const frame = document.createElement('iframe');
      frame.src = 'https://example.com/';
      document.body.append(foreign, frame, Object.assign(document.createElement('object'), { data: 'https://example.com/x.swf' }));
      await fetch('https://example.com/').catch(() => undefined);
      const wanted = ['script-src-elem', 'script-src-attr', 'img-src', 'connect-src', 'frame-src', 'object-src'];
      for (let i = 0; i < 100 && !wanted.every((w) => violations.includes(w)); i++) await new Promise((r) => setTimeout(r, 100));
      let evaluated = true; // after the wait: the tool that drives this page may evaluate, the page may not
      try { new Function('return 1')(); } catch { evaluated = false; }
      return { violations, injected: 'injected' in window, evaluated };
    });
    expect(found.injected).toBe(false);
    expect(found.evaluated).toBe(false);
    expect(found.violations).toEqual(expect.arrayContaining(['script-src-elem', 'script-src-attr', 'img-src', 'connect-src', 'frame-src', 'object-src']));
    app.problems.length = 0;
  });
  test('a foreign page with the bridge gets no answer and no events; neither does a frame inside a page', async () => {
    const seen = await app.electron!.evaluate(async ({ BrowserWindow }, preload) => {
      const ask = `(async () => {
        const heard = [];
        window.lpl.subscribe({ topics: ['runs', 'jobs', 'notice'] }, (m) => heard.push(m));
        const { error } = await window.lpl.invoke('projects.list', {});
        const shell = await window.lpl.invoke('shell.pickFolder', {});
        await new Promise((r) => setTimeout(r, 300));
        return [error?.code, shell.error?.code, heard.length];
      })()`;
      const webPreferences = { preload, sandbox: true, contextIsolation: true, nodeIntegrationInSubFrames: true };
      const foreign = new BrowserWindow({ show: false, webPreferences });
      await foreign.loadURL('data:text/html,<p>foreign</p>');
      const answers = [await foreign.webContents.executeJavaScript(ask) as unknown];
      // a frame in a page of the app itself: only the main frame may speak
      const framed = new BrowserWindow({ show: false, webPreferences });
      await framed.loadURL('lpl://app/index.html');
      await framed.webContents.executeJavaScript("new Promise((r) => document.body.append(Object.assign(document.createElement('iframe'), { srcdoc: '<p>inside</p>', onload: r }))).then(() => undefined)");
      answers.push(await framed.webContents.mainFrame.frames[0]!.executeJavaScript(`window.lpl ? ${ask} : 'no bridge'`) as unknown);
      foreign.destroy();
      framed.destroy();
      return answers;
    }, join(import.meta.dirname, '..', '..', 'dist', 'electron', 'preload.cjs'));
    expect(seen).toEqual([['shell.refused', 'shell.refused', 0], ['shell.refused', 'shell.refused', 0]]);
  });
  test('files are served by id only: no path leads out of the window\'s folder', async () => {
    const status = await app.page.evaluate(() => Promise.all(['/%2e%2e/%2e%2e/package.json', '/..%2f..%2fpackage.json', '/media/sample/..%2f..%2fpackage.json', '/media/file/etc', '/main.cjs'].map(async (p) => (await fetch(p)).status)));
    expect(status).toEqual([404, 404, 404, 404, 404]);
    app.problems.length = 0;
  });
  test('a pickle is refused by name and by content, with the reason', async () => {
    for (const [name, bytes] of [['model.ckpt', Buffer.from([0x80, 2, 0x7d, 0x71, 0, 0x2e, 0, 0, 0, 0])], ['renamed.safetensors', Buffer.from('PK\x03\x04 a torch archive, renamed')]] as const) {
      const path = join(app.dataDir, name);
      writeFileSync(path, bytes);
      const { error } = await invoke(app, 'models.add', { path });
      expect(error, name).toMatchObject({ code: 'model.pickle_refused', message: expect.stringMatching(/can run any program/) as unknown });
      expect(error!.hint).toContain('safetensors');
    }
    expect((await result<{ name: string }[]>(app, 'models.list')).map((m) => m.name)).not.toContain('model');
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

