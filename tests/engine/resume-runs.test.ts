/** A run killed with -9 again and again ends bit-identical to one never stopped. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import type { TrainerEvent } from '../../main/contract/trainerEvent.ts';
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

/** Runs the training process; kills it with -9 once its journal has so many events (of this type) more. Returns its exit code. */
function run(dir: string, killAfter = Infinity, { cacheDir = cache, type }: { cacheDir?: string; type?: TrainerEvent['type'] } = {}): Promise<number | null> {
  const count = (): number => readJournal(join(dir, 'events.jsonl')).events.filter((e) => !type || e.type === type).length, before = count();
  const started = spawn(process.execPath, [child, dir], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, LPL_CACHE: cacheDir, TF_CPP_MIN_LOG_LEVEL: '3' } });
  const watch = setInterval(() => { if (count() - before >= killAfter) started.kill('SIGKILL'); }, 3);
  return new Promise((resolve) => { started.once('exit', (code) => { clearInterval(watch); resolve(code); }); });
}

/** Every tensor of the last checkpoint: weights, optimizer state, EMA. */
async function finalState(dir: string): Promise<Map<string, Float32Array>> {
  const last = join(dir, 'checkpoints', `step-${String(STEPS).padStart(8, '0')}`), all = new Map<string, Float32Array>();
  await verifyCheckpoint(last);
  for (const group of ['weights', 'optimizer', 'ema']) await readGroup(last, group, (name, _shape, values) => { all.set(`${group}/${name}`, values); });
  return all;
}

function expectSame(a: Map<string, Float32Array>, b: Map<string, Float32Array>): void {
  expect([...b.keys()]).toEqual([...a.keys()]);
  for (const [name, values] of a) expect(Buffer.from(b.get(name)!.buffer, b.get(name)!.byteOffset, b.get(name)!.byteLength).equals(Buffer.from(values.buffer, values.byteOffset, values.byteLength)), name).toBe(true);
  expect([...a].some(([name, v]) => name.endsWith('.up') && v.some((x) => x !== 0))).toBe(true);
}

describe('resume', () => {
  test('killed at random moments and resumed: weights, optimizer state and EMA are bit-identical', async () => {
    const whole = newRun({}), broken = newRun({});
    expect(await run(whole)).toBe(0);
    let kills = 0;
    for (const after of [2, 7, 5, 6]) if (await run(broken, after) === null) kills++;
    expect(await run(broken)).toBe(0);
    expect(kills).toBeGreaterThanOrEqual(3);
    expectSame(await finalState(whole), await finalState(broken));

    const { events } = readJournal(join(broken, 'events.jsonl'));
    expect(events.map((e) => e.n)).toEqual(events.map((_, i) => i + 1));
    const losses = (dir: string) => new Map(readJournal(join(dir, 'events.jsonl')).events.flatMap((e) => (e.type === 'step' ? [[e.step, e.metrics['loss']] as const] : [])));
    expect(losses(broken)).toEqual(losses(whole));
    expect(new Set(events.flatMap((e) => (e.type === 'step' ? [e.memory.tensors] : []))).size).toBe(1);
    expect(JSON.parse(readFileSync(join(broken, 'config.json'), 'utf8'))).toBeTruthy();
  }, 900_000);

  test('with LPL targets kept on disk, which are cut off, half gone and over their limit between kills: bit-identical', async () => {
    const over: RunConfigInput = { data: { latents: 'mean', random_flip: false }, lpl: { lpl_t_threshold: 1000, lpl_num_blocks: 4, lpl_cache_mb: 0, lpl_cache_disk_mb: 3 } };
    const whole = newRun(over), broken = newRun(over), own = tempDir(), targets = join(own, 'lpl-targets');
    const files = (): string[] => readdirSync(targets, { recursive: true, encoding: 'utf8' }).map((f) => join(targets, f)).filter((f) => statSync(f).isFile());
    const bytes = (): number => files().reduce((sum, f) => sum + statSync(f).size, 0);
    const warnings = (dir: string) => readJournal(join(dir, 'events.jsonl')).events.flatMap((e) => (e.type === 'warning' && e.code.startsWith('cache.') ? [e.code] : []));
    expect(await run(whole, Infinity, { cacheDir: tempDir() })).toBe(0);
    expect(warnings(whole)).toEqual([]);

    const killed = [await run(broken, 3, { cacheDir: own, type: 'step' })];
    expect(files()).toHaveLength(4); // of five pictures, all seen by then; the limit has room for four
    for (const file of files()) truncateSync(file, statSync(file).size >> 1);
    killed.push(await run(broken, 2, { cacheDir: own, type: 'step' }));
    expect(warnings(broken)).toContain('cache.damaged');
    for (const file of files().filter((_, i) => i % 2 === 0)) rmSync(file);
    writeFileSync(join(targets, 'stranger.safetensors'), Buffer.alloc(8_000_000));
    expect(await run(broken, Infinity, { cacheDir: own })).toBe(0);
    expect(killed).toEqual([null, null]);
    expect(bytes()).toBeGreaterThan(0);
    expect(bytes()).toBeLessThanOrEqual(3_000_000);
    expectSame(await finalState(whole), await finalState(broken));
  }, 900_000);
});
