/** A run killed with -9 again and again ends bit-identical to one never stopped. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { runConfigSchema, type RunConfigInput } from '../../main/contract/runConfig.ts';
import { readGroup, verifyCheckpoint } from '../../main/engine/run/checkpointFiles.ts';
import { readJournal } from '../../main/engine/run/journal.ts';
import { createRunFolder } from '../../main/engine/run/runFolder.ts';
import { pictureFolder, tempDir } from './train-helpers.ts';
import { writeTinyModel } from './tinyModel.ts';

const child = fileURLToPath(new URL('../../main/engine/process.ts', import.meta.url));
const STEPS = 9;
let base = '', dataset = '', cache = '';

beforeAll(async () => {
  base = await writeTinyModel(join(tempDir(), 'model'));
  dataset = await pictureFolder(5);
  cache = tempDir();
}, 60_000);

function newRun(over: RunConfigInput): string {
  const dir = join(tempDir(), 'run');
  createRunFolder(dir, runConfigSchema.parse({
    model: { base }, data: { dataset, resolution: 64, random_flip: true, proportion_empty_prompts: 0.3, ...over.data }, method: { rank: 2, ...over.method },
    lpl: { enabled: true, lpl_t_threshold: 500, lpl_stratified: true, lpl_num_blocks: 1, ...over.lpl }, optimizer: { learning_rate: 1e-2, ...over.optimizer },
    training: { max_train_steps: STEPS, train_batch_size: 2, use_ema: true, checkpointing_steps: 1, threads: 1, backend: 'tensorflow-eager', ...over.training },
  }));
  return dir;
}

/** Runs the training process; kills it with -9 once its journal has so many events more. Returns its exit code. */
function run(dir: string, killAfter = Infinity): Promise<number | null> {
  const before = readJournal(join(dir, 'events.jsonl')).events.length;
  const started = spawn(process.execPath, [child, dir], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, LPL_CACHE: cache, TF_CPP_MIN_LOG_LEVEL: '3' } });
  const watch = setInterval(() => { if (readJournal(join(dir, 'events.jsonl')).events.length - before >= killAfter) started.kill('SIGKILL'); }, 3);
  return new Promise((resolve) => { started.once('exit', (code) => { clearInterval(watch); resolve(code); }); });
}

/** Every tensor of the last checkpoint: weights, optimizer state, EMA. */
async function finalState(dir: string): Promise<Map<string, Float32Array>> {
  const last = join(dir, 'checkpoints', `step-${String(STEPS).padStart(8, '0')}`), all = new Map<string, Float32Array>();
  await verifyCheckpoint(last);
  for (const group of ['weights', 'optimizer', 'ema']) await readGroup(last, group, (name, _shape, values) => { all.set(`${group}/${name}`, values); });
  return all;
}

describe('resume', () => {
  test('killed at random moments and resumed: weights, optimizer state and EMA are bit-identical', async () => {
    const whole = newRun({}), broken = newRun({});
    expect(await run(whole)).toBe(0);
    let kills = 0;
    for (const after of [2, 7, 5, 6]) if (await run(broken, after) === null) kills++;
    expect(await run(broken)).toBe(0);
    expect(kills).toBeGreaterThanOrEqual(3);
    const [a, b] = [await finalState(whole), await finalState(broken)];
    expect([...b.keys()]).toEqual([...a.keys()]);
    for (const [name, values] of a) expect(Buffer.from(b.get(name)!.buffer, b.get(name)!.byteOffset, b.get(name)!.byteLength).equals(Buffer.from(values.buffer, values.byteOffset, values.byteLength)), name).toBe(true);
    expect([...a].some(([name, v]) => name.endsWith('.up') && v.some((x) => x !== 0))).toBe(true);

    const { events } = readJournal(join(broken, 'events.jsonl'));
    expect(events.map((e) => e.n)).toEqual(events.map((_, i) => i + 1));
    const losses = (dir: string) => new Map(readJournal(join(dir, 'events.jsonl')).events.flatMap((e) => (e.type === 'step' ? [[e.step, e.metrics['loss']] as const] : [])));
    expect(losses(broken)).toEqual(losses(whole));
    expect(new Set(events.flatMap((e) => (e.type === 'step' ? [e.memory.tensors] : []))).size).toBe(1);
    expect(JSON.parse(readFileSync(join(broken, 'config.json'), 'utf8'))).toBeTruthy();
  }, 900_000);
});
