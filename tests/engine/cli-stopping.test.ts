/** Ctrl+C while `lpl train` trains: what is said is what happens, and the command that it ends with goes on. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { goOnCommand } from '../../main/cli/goOn.ts';
import { openTinyRuns } from './tinyRuns.ts';
import { tempDir } from './train-helpers.ts';

vi.setConfig({ testTimeout: 600_000 }); // a busy machine is no failure
const cli = join(import.meta.dirname, '..', '..', 'main', 'cli.ts');

/** The shell command; `signals`: sent when the text is seen on the terminal. */
async function trained(command: string, when: string, signals: NodeJS.Signals[]): Promise<{ code: number | null; said: string }> {
  const child = spawn('/bin/sh', ['-c', `exec ${command}`], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, npm_lifecycle_event: '', TF_CPP_MIN_LOG_LEVEL: '3' } });
  onTestFinished(() => { child.kill('SIGKILL'); });
  let said = '', sent = false;
  child.stderr.on('data', (d: Buffer) => {
    said += String(d);
    if (!sent && said.includes(when)) { sent = true; for (const s of signals) child.kill(s); }
  });
  return new Promise((resolve) => child.once('exit', (code) => resolve({ code, said })));
}

test('before the first step nothing is promised; after one there is a checkpoint, however often one Ctrl+C arrives; both ends say how to go on', async () => {
  const { newRun } = await openTinyRuns(), dir = newRun({ training: { max_train_steps: 100_000, checkpointing_steps: 100_000 } }), first = `${process.execPath} ${cli} train ${dir}`;
  const early = await trained(first, 'run folder:', ['SIGINT']);
  expect(early.code, early.said).toBe(10);
  expect(early.said).toMatch(/stopping; no step is done yet/);
  expect(early.said).not.toMatch(/with a checkpoint/);
  expect(early.said).toContain(`To start this run from the beginning:\n  ${process.execPath} `);

  const late = await trained(first, '1/100000', ['SIGINT', 'SIGTERM']); // npm passes on what the terminal has sent
  expect(late.code, late.said).toBe(10);
  expect(late.said).toMatch(/stopping after this step, with a checkpoint; once more/);
  const [, step, command] = /Saved: (step-\d+)\. To go on from there:\n {2}(.*train .*)\n/.exec(late.said) ?? [];
  expect(late.said).toContain(`checkpoints/${step} saved and read back`);
  const again = await trained(command!, 'resumed from', ['SIGINT']);
  expect(again.said).toContain(`resumed from step ${Number(step!.slice(5))};`);
  expect(again.said).toContain(`stopped at step ${Number(step!.slice(5))} after`);
  expect(again.said).toContain(`Saved: ${step}. To go on`);
});

test('the command is the one that started it, and its folder holds where it was typed', () => {
  const cwd = tempDir(), here = { script: undefined, node: '/usr/bin/node', file: join(cwd, 'main', 'cli.ts'), cwd, windows: false };
  mkdirSync(join(cwd, 'runs'));
  expect(goOnCommand(join(cwd, 'runs', 'first'), { ...here, script: 'lpl' })).toBe('npm run lpl -- train runs/first');
  expect(goOnCommand(join(cwd, 'runs', 'a b'), { ...here, file: '/usr/local/bin/lpl' })).toBe("lpl train 'runs/a b'");
  expect(goOnCommand(join(cwd, 'runs', "it's"), { ...here, file: '/usr/local/bin/lpl' })).toBe(String.raw`lpl train 'runs/it'\''s'`);
  expect(goOnCommand('/data/runs/x', here)).toBe('/usr/bin/node main/cli.ts train /data/runs/x');
  expect(goOnCommand(cwd, here)).toBe(`/usr/bin/node main/cli.ts train ${cwd}`);
  expect(goOnCommand(join(cwd, 'a b'), { ...here, file: 'lpl.cmd', windows: true })).toBe('lpl train "a b"');
});
