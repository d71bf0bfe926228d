/** The run's disk: room is asked for before the first step; a disk that fills up later loses nothing that was saved. */
import { readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { runConfigSchema, type RunConfigInput } from '../../main/contract/runConfig.ts';
import type { TrainerEvent } from '../../main/contract/trainerEvent.ts';
import { verifyCheckpoint } from '../../main/engine/run/checkpointFiles.ts';
import { CommandQueue } from '../../main/engine/run/commandQueue.ts';
import { checkDisk } from '../../main/engine/run/diskCheck.ts';
import { createRunFolder } from '../../main/engine/run/runFolder.ts';
import { runTraining } from '../../main/engine/run/runTraining.ts';
import { smallDisk } from '../api/helpers.ts';
import { writeTinyModel } from './tinyModel.ts';
import { errorOf, pictureFolder, tempDir } from './train-helpers.ts';

test('room for checkpoints is asked for before the first step', async () => {
  const dir = tempDir(), { bavail, bsize } = statfsSync(dir), free = bavail * bsize;
  expect(checkDisk(dir, 1000, 3, 0)).toBeNull();
  expect(checkDisk(dir, free / 2.5, 3, 0)).toContain('3 checkpoints');
  expect(checkDisk(dir, free / 2.5, 3, 3)).toBeNull();
  expect(await errorOf(() => checkDisk(dir, free * 2, 3, 0))).toMatchObject({ code: 'disk.full', hint: expect.stringContaining('Free some space') });
});

let base = '', dataset = '';
beforeAll(async () => {
  process.env['LPL_CACHE'] = tempDir();
  [base, dataset] = [await writeTinyModel(join(tempDir(), 'model')), await pictureFolder(4)];
}, 60_000);

/** Fills the disk up to `bytes`: a journal's line still fits, a picture or a checkpoint does not. */
function fill(disk: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(join(disk, 'ballast'), Buffer.alloc(bavail * bsize - bytes));
}
const go = async (dir: string, onEvent: (e: TrainerEvent) => void = () => undefined): Promise<{ reason: string; events: TrainerEvent[] }> => {
  const events: TrainerEvent[] = [];
  const reason = await runTraining(dir, { resume: null, commands: new CommandQueue(), onEvent: (e) => { events.push(e); onEvent(e); } });
  return { reason, events };
};

test.each<[string, RunConfigInput, RegExp]>([
  ['sample pictures', { samples: { prompts: ['a red apple'], sample_every: 2 } }, /samples.*\.png/],
  ['checkpoints', { samples: { prompts: [] }, training: { max_train_steps: 3, backend: 'tensorflow-eager', checkpointing_steps: 1 } }, /checkpoints.*step-00000002/],
])('a disk that is full while writing %s: said in words, the last checkpoint is whole, and with space the run goes on to its end', async (_, over, place) => {
  const disk = tempDir(), dir = join(disk, 'run');
  smallDisk(disk, 40);
  createRunFolder(dir, runConfigSchema.parse({
    ...over, model: { base }, data: { dataset, resolution: 64 }, method: { rank: 2 },
    training: { max_train_steps: 3, backend: 'tensorflow-eager', checkpointing_steps: 1, ...over.training }, samples: { num_inference_steps: 2, seeds: [1], ...over.samples },
  }));
  const checkpointsFirst = place.source.includes('png');
  const ran = await go(dir, (e) => { if (checkpointsFirst ? e.type === 'checkpoint' && e.step === 2 : e.type === 'step' && e.step === 2) fill(disk, 8_192); });
  expect(ran.reason).toBe('disk_full');
  expect(ran.events.at(-1)).toMatchObject({ type: 'failed', reason: 'disk_full', error: { code: 'disk.full', message: expect.stringMatching(place), hint: expect.stringMatching(/Free some space/) } });
  const kept = readdirSync(join(dir, 'checkpoints'));
  expect(kept).toContain(checkpointsFirst ? 'step-00000002' : 'step-00000001');
  for (const name of kept) await verifyCheckpoint(join(dir, 'checkpoints', name));
  rmSync(join(disk, 'ballast'));
  const again = await go(dir);
  expect(again.reason).toBe('finished');
  expect(again.events.find((e) => e.type === 'started')).toMatchObject({ resumed_from: checkpointsFirst ? 2 : 1 });
});

test('a full disk under the cache folder: said with what to do about a cache', async () => {
  const disk = tempDir(), before = process.env['LPL_CACHE'], dir = join(tempDir(), 'run');
  smallDisk(disk, 1);
  fill(disk, 8_192);
  createRunFolder(dir, runConfigSchema.parse({ model: { base }, data: { dataset, resolution: 64 }, training: { backend: 'tensorflow-eager' } }));
  process.env['LPL_CACHE'] = disk;
  try {
    const ran = await go(dir);
    expect([ran.reason, ran.events.at(-1)]).toEqual(['disk_full', expect.objectContaining({ error: expect.objectContaining({ code: 'disk.full', message: expect.stringContaining(disk), hint: expect.stringContaining('LPL_CACHE') }) })]);
  } finally { process.env['LPL_CACHE'] = before; }
});

test.each<RunConfigInput['method'] & object>([{ type: 'lora', rank: 64 }, { type: 'full' }])('a disk that holds no checkpoint of the run (%o): refused before pictures are encoded, with the size that one has', async (method) => {
  const disk = tempDir(), config = runConfigSchema.parse({
    model: { base }, data: { dataset, resolution: 64 }, method, optimizer: { optimizer: 'adamw8bit', learning_rate: 1e-4 },
    training: { max_train_steps: 1, backend: 'tensorflow-eager', use_ema: true }, samples: { prompts: [] },
  });
  smallDisk(disk, 1);
  createRunFolder(join(disk, 'run'), config);
  const refused = await go(join(disk, 'run')), { error } = refused.events.at(-1) as Extract<TrainerEvent, { type: 'failed' }>;
  expect([refused.reason, error.code]).toEqual(['disk_full', 'disk.full']);
  expect(refused.events.flatMap((e) => (e.type === 'stage' && !['starting_engine', 'reading_data'].includes(e.stage) ? [e.stage] : []))).toEqual([]);
  const large = join(tempDir(), 'run');
  createRunFolder(large, config);
  const { bytes } = (await go(large)).events.find((e) => e.type === 'checkpoint')!, said = Number(/needs ([\d.]+) MB/.exec(error.message)![1]) * 1e6;
  expect(bytes - said).toBeGreaterThan(-50_000); // said with one decimal
  expect(bytes - said).toBeLessThan(0.05 * bytes); // names and shapes of many small tensors
});
