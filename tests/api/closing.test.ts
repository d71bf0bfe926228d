/** Ctrl+C while a run trains: in a terminal a question with three answers, without one a line that says that training goes on. */
import { PassThrough } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { mayClose } from '../../main/server/closing.ts';
import { httpCore, remove, scripted, until, type TestCore } from './helpers.ts';

async function training(): Promise<{ core: TestCore; id: string; answer: (keys: string) => Promise<{ may: boolean; said: string }> }> {
  const core = await httpCore();
  onTestFinished(async () => { await core.close(); remove(core.dataDir); });
  const { id } = await core.call('runs.create', { name: 'Mine', config: scripted(core.dataDir, { steps: 1_000_000, ms: 10 }), start: true });
  await until(async () => (await core.call('runs.get', { id })).step > 0, 'a step');
  const answer = async (keys: string): Promise<{ may: boolean; said: string }> => {
    const input = Object.assign(new PassThrough(), { isTTY: true }), output = new PassThrough();
    input.write(keys);
    const may = await mayClose(core.raw as never, { input, output });
    return { may, said: String(output.read() ?? '') };
  };
  return { core, id, answer };
}

test('the three answers, and none', async () => {
  const { core, id, answer } = await training();
  const state = async (): Promise<string> => (await core.call('runs.get', { id })).state;
  expect(await answer('c\n')).toMatchObject({ may: false, said: expect.stringMatching(/"Mine" is still training.*\[k\]eep.*\[s\]top.*\[c\]ancel/) });
  expect(await answer('k\n')).toMatchObject({ may: true, said: expect.stringMatching(/goes on training in the background/) });
  expect(await state()).toBe('running');
  expect(await answer('s\n')).toMatchObject({ may: true, said: expect.stringMatching(/saving/) });
  expect(await state()).toBe('stopped');
  expect(await core.call('checkpoints.list', { run_id: id })).toHaveLength(1);
  expect((await core.call('queue.list', {})).held).toBe(false);
  expect(await answer(''), 'nothing trains, nothing is asked').toEqual({ may: true, said: '' });
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
