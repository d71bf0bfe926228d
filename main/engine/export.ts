/** A run's result as files that other programs read: a LoRA in three naming forms, or a full model as folder or single file. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { AppError, toAppError } from '../contract/errors.ts';
import type { RunConfig } from '../contract/runConfig.ts';
import type { FloatDtype } from './checkpoint/dtype.ts';
import type { LoraDescription } from './checkpoint/lora/loraMetadata.ts';
import { writeLora } from './checkpoint/lora/writeLora.ts';
import { writeFolder, writeSingleFile, type WriteOptions } from './checkpoint/writeModel.ts';
import { writeBuiltinTokenizer } from './models/tokenizer.ts';
import { openBaseModel, type BaseModel } from './run/baseModel.ts';
import { findCheckpoint, type FoundCheckpoint } from './run/checkpointStore.ts';
import { readRunConfig, runFolder } from './run/runFolder.ts';
import type { Session } from './run/session.ts';
import { trainedWeights } from './trainables/trainedWeights.ts';

export const loraForms = ['kohya', 'kohya-diffusers', 'diffusers'] as const;
export const modelForms = ['diffusers', 'single-file'] as const;
export type ExportForm = (typeof loraForms)[number] | (typeof modelForms)[number];
export interface ExportOptions { /** "latest" or a checkpoint's name */ checkpoint: string; ema: boolean; /** default: kohya for a LoRA, diffusers for a model */ form?: ExportForm | undefined; dtype: FloatDtype; /** default: in the run's exports folder */ output?: string | undefined; onProgress?: (done: number, total: number) => void }
export interface Exported { step: number; file: string; format: string; bytes: number; sha256: string }

/** Exports from a run folder. Throws checkpoint.*, lora.*, model.*, disk.full, export.form. */
export async function exportRun(dir: string, options: ExportOptions): Promise<Exported> {
  const folder = runFolder(dir), config = readRunConfig(folder.config);
  const found = await findCheckpoint(folder.checkpoints, options.checkpoint, () => {});
  if (!found) throw new AppError('export.nothing', `The run in ${dir} has no checkpoint yet.`, 'Train until the first checkpoint, then export.', { dir });
  const base = await openBaseModel(config);
  try { return await exportCheckpoint(dir, config, base, found, options); } finally { await base.source.close(); }
}

async function exportCheckpoint(dir: string, config: RunConfig, base: BaseModel, found: FoundCheckpoint, o: ExportOptions): Promise<Exported> {
  const trained = await trainedWeights(found, o.ema), step = found.manifest.step;
  const forms: readonly string[] = trained.kind === 'lora' ? loraForms : modelForms, form = o.form ?? forms[0]!;
  if (!forms.includes(form)) throw new AppError('export.form', `A ${trained.kind === 'lora' ? 'LoRA' : 'full model'} cannot be written as "${form}".`, `Choose one of: ${forms.join(', ')}.`, { form });
  const name = `${nameOf(dir)}-${step}${o.ema ? '-ema' : ''}${form === forms[0] ? '' : `-${form}`}`;
  const output = o.output ?? join(runFolder(dir).exports, form === 'diffusers' && trained.kind === 'full' ? name : `${name}.safetensors`);
  const progress = o.onProgress ? { onProgress: o.onProgress } : {};
  if (trained.kind === 'lora') {
    const file = await writeLora(output, trained.lora, { form: form as (typeof loraForms)[number], dtype: o.dtype, description: describe(name, config, base, step), unetConfig: base.source.config('unet') });
    return { step, file: output, format: `lora-${form}`, bytes: file.bytes, sha256: file.sha256 };
  }
  const options = { dtype: o.dtype, override: (component: string, weight: string) => (component === 'unet' ? trained.unet.get(weight) : undefined), ...progress };
  return { step, ...await writeModelAs(form as (typeof modelForms)[number], output, base.source, options) };
}

/** What the file is called after: the run's name in the app, as a file name; else the folder's. */
function nameOf(dir: string): string {
  try {
    const { name } = JSON.parse(readFileSync(runFolder(dir).about, 'utf8')) as { name?: unknown };
    return String(name ?? '').normalize('NFC').replaceAll(/[^\p{L}\p{N}.]+/gu, '-').replaceAll(/^[-.]+|[-.]+$/g, '').slice(0, 80) || basename(dir);
  } catch { return basename(dir); }
}

export type WrittenModel = Omit<Exported, 'step'>;

/** Writes a full model in one of its two layouts. A folder's hash is that of its files' hashes. */
export async function writeModelAs(form: (typeof modelForms)[number], output: string, source: BaseModel['source'], options: WriteOptions): Promise<WrittenModel> {
  if (form === 'single-file') {
    const file = await writeSingleFile(output, source, options);
    return { file: output, format: 'model-single-file', bytes: file.bytes, sha256: file.sha256 };
  }
  const files = await writeFolder(output, source, writeBuiltinTokenizer, options);
  const sha256 = createHash('sha256').update(files.map((f) => f.sha256).join()).digest('hex');
  return { file: output, format: 'model-diffusers', bytes: files.reduce((n, f) => n + f.bytes, 0), sha256 };
}

/** What the file says about its making. */
function describe(title: string, config: RunConfig, { source, predictionType }: BaseModel, step: number): LoraDescription {
  const { optimizer, training, data, lpl, diffusion } = config, side = data.resolution;
  return {
    kind: source.kind, title, resolution: [side, side], predictionType, baseModel: basename(source.path), date: new Date().toISOString(),
    training: {
      steps: step, max_train_steps: training.max_train_steps, learning_rate: optimizer.learning_rate, unet_lr: optimizer.learning_rate, text_encoder_lr: optimizer.text_encoder_lr, lr_scheduler: optimizer.lr_scheduler,
      lr_warmup_steps: optimizer.lr_warmup_steps, optimizer: optimizer.optimizer, seed: training.seed, total_batch_size: training.train_batch_size * training.gradient_accumulation_steps, gradient_accumulation_steps: training.gradient_accumulation_steps,
      mixed_precision: training.precision, enable_bucket: data.buckets, min_snr_gamma: diffusion.snr_gamma, noise_offset: diffusion.noise_offset,
      lpl_weight: lpl.enabled ? lpl.lpl_weight : null, lpl_t_threshold: lpl.enabled ? lpl.lpl_t_threshold : null,
    },
  };
}

/**
 * At the end of a LoRA run: the file that people came for, in half precision where its values allow it. A LoRA that changes nothing is said,
 * not written.
 */
export async function exportFinished({ run, base, trainables }: Session): Promise<void> {
  if (!trainables.lora) return;
  const found = await findCheckpoint(run.folder.checkpoints, 'latest', () => {});
  if (!found) return;
  for (const ema of run.config.training.use_ema ? [false, true] : [false]) {
    const write = (dtype: FloatDtype): Promise<Exported> => exportCheckpoint(run.folder.dir, run.config, base, found, { checkpoint: 'latest', ema, dtype });
    try {
      const { done, halved } = await inHalfOrFull(write);
      run.emit({ type: 'export', ...done, file: done.file.slice(run.folder.dir.length + 1) });
      if (!halved) run.emit({ type: 'warning', code: 'export.full_precision', message: 'The LoRA\'s values are too small or too large for half precision, so it was written in full precision.' });
    } catch (error) {
      const { code, message, hint } = toAppError(error);
      if (code !== 'lora.all_zero') throw error;
      run.emit({ type: 'warning', code, message: `${message} ${hint}` });
    }
  }
}

/** float32 where rounding to float16 would change or lose what was learnt. */
async function inHalfOrFull(write: (dtype: FloatDtype) => Promise<Exported>): Promise<{ done: Exported; halved: boolean }> {
  try { return { done: await write('F16'), halved: true }; } catch (error) {
    if (!['file.readback', 'lora.all_zero'].includes(toAppError(error).code)) throw error;
    return { done: await write('F32'), halved: false };
  }
}
