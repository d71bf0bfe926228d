/** A run's model as a checkpoint left it: base weights with the trained ones (or their EMA) in place, and a hash of what was trained. */
import { createHash } from 'node:crypto';
import { AppError } from '../../contract/errors.ts';
import type { RunConfig } from '../../contract/runConfig.ts';
import type { Executor } from '../backend/executor.ts';
import { readGroup } from '../run/checkpointFiles.ts';
import type { FoundCheckpoint } from '../run/checkpointStore.ts';
import { loadComponent, type BaseModel } from '../run/baseModel.ts';
import { declareTrainables, emaName, planTrainables, type Trainables } from '../trainables/trainables.ts';

const isDecoderWeight = (name: string): boolean => name.startsWith('decoder.') || name.startsWith('post_quant_conv.');
const frozen = { fp32: 'float32', bf16: 'bfloat16', fp16: 'float16' } as const;

/** Whether the checkpoint holds an EMA. */
export const hasEma = ({ manifest }: FoundCheckpoint): boolean => manifest.files['ema.safetensors'] !== undefined;

/**
 * Declares UNet, VAE decoder and trained tensors; the EMA takes the plain weights' places, so that it costs no memory.
 * Throws checkpoint.other_run where the checkpoint does not fit the configuration.
 */
export async function loadTrained(executor: Executor, base: BaseModel, config: RunConfig, found: FoundCheckpoint, onProgress?: (done: number, total: number) => void): Promise<Trainables> {
  const trainables = await planTrainables(config, base.source), storage = frozen[config.training.frozen_precision];
  await loadComponent(executor, base.source, 'unet', { dtype: trainables.lora ? storage : 'float32', ...(onProgress ? { onProgress } : {}) });
  await loadComponent(executor, base.source, 'vae', { dtype: storage, filter: isDecoderWeight });
  await declareTrainables(executor, base.source, trainables, false);
  const group = hasEma(found) ? 'ema' : 'weights', missing = new Map(trainables.list.map((t) => [hasEma(found) ? emaName(t.name) : t.name, t.name]));
  await readGroup(found.dir, group, (stored, _shape, values) => {
    const name = missing.get(stored);
    if (!name) throw misfit(found, `it holds ${stored}`);
    executor.write(name, values);
    missing.delete(stored);
  });
  if (missing.size) throw misfit(found, `it lacks ${[...missing.keys()][0]}`);
  return trainables;
}

const misfit = ({ dir }: FoundCheckpoint, what: string): AppError => new AppError('checkpoint.other_run', `The checkpoint ${dir} belongs to a run with other settings: ${what}.`,
  'Its config.json was changed after the training; put the old one back.', { dir });

/** SHA-256 over the trained weights (names, shapes, values, LoRA scales): equal for bit-identical trainings. */
export async function trainedHash({ dir, manifest }: FoundCheckpoint): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(manifest.state['lora'] ?? null));
  await readGroup(dir, 'weights', (name, shape, values) => { hash.update(`${name} [${shape}]\n`).update(Buffer.from(values.buffer, values.byteOffset, values.byteLength)); });
  return hash.digest('hex');
}
