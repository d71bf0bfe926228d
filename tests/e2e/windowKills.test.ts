/** kill -9 of the window at random moments, in Chromium and in Electron, while it watches a training and queues runs: nothing that it was told is lost. */
import { chromium, type Page } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';
import { httpCore, remove, scripted, temporaryFolder, until } from '../api/helpers.ts';
import { journalOf, moments, pause, sameAsJournal } from '../api/journal.ts';
import { chromiumFlags, inElectron } from './apps.ts';

type Call = <T>(method: string, params: unknown) => Promise<T>;
/** The page queues runs one after the other and tells the test of each that the core has acknowledged. */
function keepQueuing(page: Page, config: unknown): void {
  page.evaluate(async (c) => {
    const w = window as never as { lpl?: { invoke(m: string, p: unknown): Promise<unknown> }; acknowledged(id: string): void };
    for (;;) {
      const params = { config: c, start: true };
      const reply = (w.lpl ? await w.lpl.invoke('runs.create', params) : await (await fetch('/api/runs.create', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(params) })).json()) as { result?: { id: string } };
      if (reply.result) w.acknowledged(reply.result.id);
    }
  }, config).catch(() => undefined); // the page is killed in the middle of it
}

/** Every acknowledged run waits, in order; the training never stopped; what it journaled is in the database, each event once. */
async function nothingLost(call: Call, id: string, ids: string[], pid: number): Promise<void> {
  const waiting = (await call<{ waiting: { id: string }[] }>('queue.list', {})).waiting.map((r) => r.id);
  expect(waiting.filter((w) => ids.includes(w))).toEqual(ids);
  expect(ids.length).toBeGreaterThanOrEqual(10); // each page had queued at least one
  await call('runs.stop', { id });
  await until(async () => (await call<{ state: string }>('runs.get', { id })).state === 'stopped', 'the stop');
  const events = await sameAsJournal(call, id);
  expect(events.filter((e) => e.type === 'started').map((e) => (e as { pid: number }).pid)).toEqual([pid]);
}
const startTraining = async (call: Call, dataDir: string): Promise<{ id: string; pid: number }> => {
  const { id, folder } = await call<{ id: string; folder: string }>('runs.create', { config: scripted(dataDir, { steps: 1_000_000, ms: 10 }), start: true });
  await until(async () => (await call<{ step: number }>('runs.get', { id })).step > 0, 'a step');
  return { id, pid: (journalOf(folder).find((e) => e.type === 'started') as { pid: number }).pid };
};

test('Chromium: 15 times kill -9 of the page, then of the whole browser', async () => {
  const dataDir = temporaryFolder();
  const core = await httpCore(dataDir);
  const server = await chromium.launchServer({ executablePath: '/usr/bin/chromium', args: chromiumFlags });
  const browser = await chromium.connect(server.wsEndpoint());
  onTestFinished(async () => { await core.call('queue.hold', { held: true }); await server.kill(); await core.close(); remove(dataDir); });
  const call = core.call as unknown as Call;
  const { id, pid } = await startTraining(call, dataDir);
  const control = await browser.newBrowserCDPSession();
  const renderers = async (): Promise<number[]> => (await control.send('SystemInfo.getProcessInfo')).processInfo.filter((p) => p.type === 'renderer').map((p) => p.id);
  const ids: string[] = [];
  for (const moment of moments(15, 3)) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(core.url!);
    await page.goto(`${new URL(core.url!).origin}/#/runs/${id}`);
    await page.getByText(/Training/).first().waitFor();
    await page.exposeFunction('acknowledged', (queued: string) => ids.push(queued));
    const before = ids.length;
    keepQueuing(page, scripted(dataDir, { steps: 2 }));
    await until(async () => ids.length > before, 'the first run that this page queues'); // however slow the machine, something is there to lose
    await pause(moment * 200);
    const crashed = page.waitForEvent('crash');
    for (const renderer of await renderers()) process.kill(renderer, 'SIGKILL');
    await crashed;
    await context.close();
  }
  server.process().kill('SIGKILL');
  await pause(200);
  await nothingLost(call, id, ids, pid);
});

test('Electron: 10 times kill -9 of the page, which comes back where it was; then of the whole shell, which the training and the queue outlive', async () => {
  const dataDir = temporaryFolder();
  const app = await inElectron({ dataDir, keepData: true });
  onTestFinished(async () => { await app.close(); remove(dataDir); });
  const shell = app.electron!;
  await app.page.waitForSelector('main > *');
  // playwright gives a page up that has crashed once, so the shell itself is asked to run things in it
  const inWindow = <T>(code: string): Promise<T> => Promise.race([
    shell.evaluate(({ BrowserWindow }, c) => BrowserWindow.getAllWindows()[0]!.webContents.executeJavaScript(c), code) as Promise<T>,
    pause(5_000).then(() => { throw new Error(`the page does not answer: ${code.slice(0, 80)}`); }), // one that dies meanwhile never does
  ]);
  const call: Call = async <T>(method: string, params: unknown) => {
    const reply = await inWindow<{ result: T; error?: { message: string } }>(`window.lpl.invoke(${JSON.stringify(method)}, ${JSON.stringify(params)})`);
    if (reply.error) throw new Error(reply.error.message);
    return reply.result;
  };
  const { id, pid } = await startTraining(call, dataDir);
  await inWindow(`location.hash = '#/runs/${id}'`);
  await shell.evaluate(({ BrowserWindow }) => {
    const ids: string[] = [];
    Object.assign(globalThis, { acknowledged: ids });
    BrowserWindow.getAllWindows()[0]!.webContents.on('console-message', (event, _level, message) => { const text = message ?? (event as never as { message: string }).message; if (text.startsWith('acknowledged ')) ids.push(text.slice(13)); });
  });
  const acknowledged = (): Promise<string[]> => shell.evaluate(() => (globalThis as never as { acknowledged: string[] }).acknowledged);
  const queueing = `(async () => { for (;;) { const { result } = await window.lpl.invoke('runs.create', { config: ${JSON.stringify(scripted(dataDir, { steps: 2 }))}, start: true }); if (result) console.log('acknowledged ' + result.id); } })(); 0`;
  for (const moment of moments(10, 11)) {
    await until(() => inWindow<boolean>("document.body.innerText.includes('Training')").catch(() => false), 'the page of the run', 30_000);
    expect(await inWindow('location.href')).toBe(`lpl://app/index.html#/runs/${id}`);
    const before = (await acknowledged()).length;
    await inWindow(queueing);
    await until(async () => (await acknowledged()).length > before, 'the first run that this page queues');
    await pause(moment * 200);
    const renderer = await shell.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.webContents.getOSProcessId());
    process.kill(renderer, 'SIGKILL');
    await until(async () => (await shell.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.webContents.getOSProcessId()).catch(() => renderer)) !== renderer, 'another page process');
  }
  const ids = await acknowledged();
  shell.process().kill('SIGKILL');
  // the core sees that the shell is gone, and ends; training goes on
  const core = await until(() => httpCore(dataDir).catch(() => undefined), 'the data folder to be free again', 60_000);
  await nothingLost(core.call as unknown as Call, id, ids, pid);
  await core.call('queue.hold', { held: true });
  await core.close();
});
