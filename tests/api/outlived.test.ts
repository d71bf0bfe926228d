/** What `npm test` looks for when its tests are through: a process that one of them left behind, however far down. */
import { spawn } from 'node:child_process';
import { expect, onTestFinished, test } from 'vitest';
import { MARK, outlived, outlivedFor } from '../../scripts/outlived.ts';

test('a grandchild that lives on by itself is found by the suite\'s mark, and is not once it has ended', async () => {
  const suite = `test-${process.pid}`;
  const shell = spawn('sh', ['-c', 'setsid sleep 600 > /dev/null 2>&1 & echo $!'], { env: { ...process.env, [MARK]: suite }, stdio: ['ignore', 'pipe', 'ignore'] });
  let said = '';
  shell.stdout.on('data', (d: Buffer) => { said += String(d); });
  await new Promise((r) => shell.once('close', r));
  const left = await outlivedFor(suite, 200);
  onTestFinished(() => { for (const { pid } of outlived(suite)) process.kill(pid, 'SIGKILL'); });
  expect(left).toEqual([{ pid: Number(said), command: 'sleep 600' }]);
  expect(outlived('another suite')).toEqual([]);
  process.kill(left[0]!.pid, 'SIGKILL');
  expect(await outlivedFor(suite, 5_000)).toEqual([]);
});
