/** Ctrl+C while a run trains: in a terminal a question with three answers, without one a line that says that training goes on. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { mayClose } from '../../main/server/closing.ts';
import { fakeTrainer, httpCore, remove, scripted, temporaryFolder, until, type TestCore } from './helpers.ts';
import { journalOf, pause } from './journal.ts';

const root = join(import.meta.dirname, '..', '..');

async function training(): Promise<{ core: TestCore; id: string; answer: (keys: string) => Promise<{ may: boolean; said: string }> }> {
  const core = await httpCore();
  onTestFinished(async () => { await core.close(); remove(core.dataDir); });
  const { id } = await core.call('runs.create', { name: 'Mine', config: scripted(core.dataDir, { steps: 1_000_000, ms: 10 }), start: true });
  await until(async () => (await core.call('runs.get', { id })).step > 0, 'a step');
  const answer = async (keys: string): Promise<{ may: boolean; said: string }> => {
    const input = Object.assign(new PassThrough(), { isTTY: true }), output = new PassThrough();
    const [now, ...later] = keys.split('|');
    input.write(now!);
    later.forEach((line, i) => setTimeout(() => input.write(line), 200 * (i + 1)));
    const may = await mayClose(core.raw as never, { input, output });
    return { may, said: String(output.read() ?? '') };
  };
  return { core, id, answer };
}

test('the three answers, and none', async () => {
  const { core, id, answer } = await training();
  const state = async (): Promise<string> => (await core.call('runs.get', { id })).state;
  expect(await answer('c\n')).toMatchObject({ may: false, said: expect.stringMatching(/"Mine" is still training.*\[K\]eep.*\[s\]top.*\[c\]ancel/) });
  expect(await answer('?\n|c\n'), 'a slip is asked about, and changes nothing').toMatchObject({ may: false, said: expect.stringMatching(/Please answer k, s or c/) });
  expect(await answer('k\n')).toMatchObject({ may: true, said: expect.stringMatching(/goes on training in the background/) });
  expect(await state()).toBe('running');
  const { may, said } = await answer('s\n'), { folder } = await core.call('runs.get', { id });
  const [saved, ...others] = await core.call('checkpoints.list', { run_id: id });
  expect([may, await state(), others]).toEqual([true, 'stopped', []]);
  expect(said).toContain(`and saving …\n"Mine": saved at step ${saved!.step} in ${join(folder, saved!.dir)}\n`);
  expect((await core.call('queue.list', {})).held).toBe(false);
  expect(await answer(''), 'nothing trains, nothing is asked').toEqual({ may: true, said: '' });
});

test('what came of each run that was told to stop is said as it is', async () => {
  const runs = [['a', 'stopped'], ['b', 'failed'], ['c', 'failed'], ['d', 'paused']].map(([id, state]) => ({ id, state, name: id, folder: `/runs/${id}`, step: 7, error: { message: 'The disk is full.' } }));
  let running = runs;
  const replies: Record<string, (id: string) => unknown> = {
    'queue.list': () => ({ running }), 'settings.get': () => ({ on_close: 'stop' }), 'queue.hold': () => null, 'runs.get': (id) => runs.find((r) => r.id === id),
    'runs.stop': (id) => { running = running.filter((r) => r.id !== id); },
    'checkpoints.list': (id) => (id < 'c' ? [{ step: 9, dir: 'gone', present: false }, { step: 7, dir: 'checkpoints/step-7', present: true }] : []),
  };
  const output = new PassThrough(), call = async (method: string, { id, run_id }: { id?: string; run_id?: string }): Promise<unknown> => ({ result: replies[method]!(id ?? run_id ?? '') });
  expect(await mayClose(call as never, { input: new PassThrough(), output })).toBe(true);
  expect(String(output.read()).split('\n').slice(1, -1)).toEqual([
    `"a": saved at step 7 in ${join('/runs/a/checkpoints/step-7')}`, `"b" failed at step 7: The disk is full. It was saved at step 7 in ${join('/runs/b/checkpoints/step-7')}`,
    '"c" failed at step 7: The disk is full. It has no checkpoint', '"d": nothing is saved: no step was done',
  ]);
});

test('SIGINT without a terminal: the core ends, the training does not, and that is said', async () => {
  const { core, id } = await training();
  let out = '';
  core.process.stdout!.on('data', (d: Buffer) => { out += String(d); });
  core.process.kill('SIGINT');
  await until(async () => core.process.exitCode !== null, 'the end');
  expect(out).toMatch(/"Mine" goes on training in the background/);
  const again = await httpCore(core.dataDir);
  onTestFinished(() => again.close());
  expect((await again.call('runs.get', { id })).state).toBe('running');
  await again.call('runs.kill', { id });
});

/** `npm start` in a terminal of its own: what it shows, and keys for it. */
async function startedInTerminal(): Promise<{ dataDir: string; shown: () => string; press(keys: string): void; until(what: RegExp): Promise<RegExpExecArray>; ended: Promise<number | null>; call<T>(method: string, params: object): Promise<T> }> {
  const dataDir = temporaryFolder();
  const start = `exec '${process.execPath}' '${join(root, 'scripts', 'start.mjs')}' --browser --no-open`;
  const terminal = spawn('script', ['-qefc', start, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, LPL_DATA: dataDir, LPL_TRAINER: fakeTrainer } });
  let out = '';
  terminal.stdout.on('data', (d: Buffer) => { out += String(d); });
  const ended = new Promise<number | null>((resolve) => { terminal.once('exit', resolve); });
  onTestFinished(async () => { terminal.kill('SIGKILL'); await ended; remove(dataDir); });
  const shows = (what: RegExp): Promise<RegExpExecArray> => until(async () => what.exec(out) ?? undefined, `${what} in ${out}`, 60_000);
  const { origin, searchParams } = new URL((await shows(/LPL Studio is ready: (\S+)/))[1]!);
  const call = async <T>(method: string, params: object): Promise<T> => (await (await fetch(`${origin}/api/${method}`, { method: 'POST', headers: { authorization: `Bearer ${searchParams.get('token')}`, 'content-type': 'application/json' }, body: JSON.stringify(params) })).json() as { result: T }).result;
  return { dataDir, shown: () => out, press: (keys) => { terminal.stdin.write(keys); }, until: shows, ended, call };
}
const CTRL_C = '\x03';

test('Ctrl+C at `npm start` while a run trains asks, stays, and stops and saves as told; nothing of it is left', async () => {
  const app = await startedInTerminal();
  expect(app.shown()).toMatch(/Ctrl\+C in this terminal stops it/);
  const { id, folder } = await app.call<{ id: string; folder: string }>('runs.create', { name: 'Mine', config: scripted(app.dataDir, { steps: 1_000_000, ms: 10 }), start: true });
  await until(async () => (await app.call<{ step: number }>('runs.get', { id })).step > 0, 'a step');
  const { pid: corePid } = await app.call<{ pid: number }>('system.info', {});
  app.press(CTRL_C);
  for (let i = 0; i < 2; i++) process.kill(corePid, 'SIGINT'); // it comes from the terminal, and from each process before it
  await app.until(/"Mine" is still training.*\[K\]eep.*\[s\]top.*\[c\]ancel/);
  await pause(500);
  expect(app.shown().match(/still training/g), 'one question').toHaveLength(1);
  app.press('c\r');
  await app.until(/LPL Studio stays/);
  expect((await app.call<{ state: string }>('runs.get', { id })).state).toBe('running');
  const { pid } = journalOf(folder)[0] as { pid: number };
  app.press(CTRL_C);
  await until(async () => app.shown().match(/still training/g)?.length === 2, 'the question again');
  app.press('s\r');
  await app.until(/and saving …\s+"Mine": saved at step \d+ in \S+checkpoints/);
  expect(await app.ended).toBe(0);
  expect(() => process.kill(pid, 0)).toThrow();
  expect(journalOf(folder).slice(-2)).toMatchObject([{ type: 'checkpoint' }, { type: 'finished', reason: 'stopped' }]);
});
