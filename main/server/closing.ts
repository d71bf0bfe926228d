/** Ctrl+C in the terminal that serves the app while a run trains: go on in the background, stop and save, or stay. */
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { Checkpoint } from '../contract/runData.ts';
import type { Run } from '../contract/runs.ts';
import type { Settings } from '../contract/system.ts';
import type { Call } from './router.ts';

export interface Terminal { input: NodeJS.ReadableStream & { isTTY?: boolean }; output: NodeJS.WritableStream }
type Choice = 'background' | 'stop' | 'cancel';
const STOP_S = 600;
const answers: Record<string, Choice> = { '': 'background', k: 'background', keep: 'background', s: 'stop', stop: 'stop', c: 'cancel', cancel: 'cancel' };

async function result<T>(call: Call, method: string, params: unknown = {}): Promise<T | undefined> {
  const reply = await call(method, params);
  return 'error' in reply ? undefined : reply.result as T;
}
const running = async (call: Call): Promise<Run[]> => (await result<{ running: Run[] }>(call, 'queue.list'))?.running ?? [];

/** True when the core shall end now. Without a terminal nobody can be asked: training goes on, and that is said. */
export async function mayClose(call: Call, { input, output }: Terminal = { input: process.stdin, output: process.stdout }): Promise<boolean> {
  const runs = await running(call);
  if (runs.length === 0) return true;
  const names = runs.map((r) => `"${r.name}"`).join(', ');
  const setting = (await result<Settings>(call, 'settings.get'))?.on_close ?? 'ask';
  const choice = setting !== 'ask' ? setting : input.isTTY ? await ask(names, input, output) : 'background';
  if (choice === 'cancel') { output.write('LPL Studio stays.\n'); return false; }
  if (choice === 'stop') {
    output.write(`Stopping ${names} after the current step, and saving …\n`);
    const left = await stopAll(call, runs);
    for (const run of runs) output.write(`${left.some((l) => l.id === run.id) ? `"${run.name}" is still in its step; it saves and stops by itself when that is done.` : await whatIsSaved(call, run)}\n`);
    return true;
  }
  output.write(`${names} goes on training in the background. Start LPL Studio again to see it or to stop it.\n`);
  return true;
}

async function ask(names: string, input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Promise<Choice> {
  const lines = createInterface({ input, output });
  const interrupted = new AbortController();
  lines.once('SIGINT', () => interrupted.abort()); // Ctrl+C once more: as quickly as can be, losing nothing
  try {
    for (let question = `\n${names} is still training. [K]eep training in the background, [s]top and save, or [c]ancel? `; ; question = 'Please answer k, s or c: ') {
      const choice = answers[(await lines.question(question, { signal: interrupted.signal })).trim().toLowerCase()];
      if (choice) return choice;
    }
  } catch { return 'background'; } finally { lines.close(); }
}

/** Nothing new starts meanwhile; the queue goes on at the next start. Returns those that have not stopped in time. */
async function stopAll(call: Call, runs: readonly Run[]): Promise<Run[]> {
  await call('queue.hold', { held: true });
  for (const run of runs) await call('runs.stop', { id: run.id, save: true });
  let left = await running(call);
  for (let s = 0; s < STOP_S && left.length > 0; s += 0.2, left = await running(call)) await new Promise((r) => setTimeout(r, 200));
  await call('queue.hold', { held: false });
  return left;
}

/** How a run that was told to stop ended: at which step, and where its checkpoint lies. */
async function whatIsSaved(call: Call, { id, name, folder }: Run): Promise<string> {
  const run = await result<Run>(call, 'runs.get', { id });
  const newest = (await result<Checkpoint[]>(call, 'checkpoints.list', { run_id: id }))?.find((c) => c.present);
  const saved = newest ? `saved at step ${newest.step} in ${join(folder, newest.dir)}` : 'nothing is saved: no step was done';
  return run?.state === 'failed' ? `"${name}" failed at step ${run.step}: ${run.error?.message ?? ''} ${newest ? `It was ${saved}` : 'It has no checkpoint'}` : `"${name}": ${saved}`;
}
