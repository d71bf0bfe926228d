/** A run's model as a checkpoint left it: base weights with the trained ones (or their EMA) in place, and a hash of what was trained. */
import { createHash } from 'node:crypto';
import { AppError } from '../../contract/errors.ts';
import type { RunConfig } from '../../contract/runConfig.ts';
import type { Executor } from '../backend/executor.ts';
import { readGroup } from '../run/checkpointFiles.ts';
import type { FoundCheckpoint } from '../run/checkpointStore.ts';
import { loadComponent, type BaseModel } from '../run/baseModel.ts';
import { declareTrainables, emaName, hasTextLora, loraTrainables, planTrainables, textLora, type Trainables } from '../trainables/trainables.ts';
import { isLora, trainedWeights } from '../trainables/trainedWeights.ts';

const isDecoderWeight = (name: string): boolean => name.startsWith('decoder.') || name.startsWith('post_quant_conv.');
const frozen = { fp32: 'float32', bf16: 'bfloat16', fp16: 'float16' } as const;
type OnProgress = (done: number, total: number) => void;

/** Whether the checkpoint holds an EMA. */
export const hasEma = ({ manifest }: FoundCheckpoint): boolean => manifest.files['ema.safetensors'] !== undefined;

/** Declares UNet, VAE decoder and trained tensors. Text encoders, trained ones too, have an executor of their own: see `trainedText`. */
export async function declareModel(executor: Executor, base: BaseModel, config: RunConfig, onProgress?: OnProgress): Promise<Trainables> {
  const trainables = await planTrainables(config, base.source), dtype = frozen[config.training.frozen_precision];
  await loadComponent(executor, base.source, 'unet', { dtype: trainables.lora ? dtype : 'float32', ...(onProgress ? { onProgress } : {}) });
  await loadComponent(executor, base.source, 'vae', { dtype, filter: isDecoderWeight });
  await declareTrainables(executor, base.source, trainables, false);
  return trainables;
}

/** Puts a checkpoint's weights into a declared model; the EMA takes the plain weights' places, so that it costs no memory. Throws checkpoint.other_run where they do not fit. */
export async function writeTrained(executor: Executor, { list }: Trainables, found: FoundCheckpoint): Promise<void> {
  const ema = hasEma(found), missing = new Map(list.map((t) => [ema ? emaName(t.name) : t.name, t.name]));
  await readGroup(found.dir, ema ? 'ema' : 'weights', (stored, _shape, values) => {
    const name = missing.get(stored);
    if (!name) throw misfit(found, `it holds ${stored}`);
    executor.write(name, values);
    missing.delete(stored);
  });
  if (missing.size) throw misfit(found, `it lacks ${[...missing.keys()][0]}`);
}

/** What the checkpoint has trained of the text encoders (its EMA where there is one), or null. */
export async function trainedText(base: BaseModel, found: FoundCheckpoint): Promise<Trainables | null> {
  if (!isLora(found)) return null;
  const trained = await trainedWeights(found, hasEma(found));
  const all = trained.kind === 'lora' ? loraTrainables(base.source, trained.lora) : null;
  return all && hasTextLora(all) ? textLora(all) : null;
}

const misfit = ({ dir }: FoundCheckpoint, what: string): AppError => new AppError('checkpoint.other_run', `The checkpoint ${dir} belongs to a run with other settings: ${what}.`,
  'Its config.json was changed after the training; put the old one back.', { dir });

/** SHA-256 over the trained weights (names, shapes, values, LoRA scales): equal for bit-identical trainings. */
export async function trainedHash({ dir, manifest }: FoundCheckpoint): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(manifest.state['lora'] ?? null));
  await readGroup(dir, 'weights', (name, shape, values) => { hash.update(`${name} [${shape}]\n`).update(Buffer.from(values.buffer, values.byteOffset, values.byteLength)); });
  return hash.digest('hex');
}
