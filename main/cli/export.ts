/** `lpl export`: a run's checkpoint as LoRA or full model. */
import { AppError } from '../contract/errors.ts';
import { exportRun as write, loraForms, modelForms, type ExportForm } from '../engine/export.ts';
import type { FloatDtype } from '../engine/checkpoint/dtype.ts';
import type { Action } from './command.ts';

const dtypes: Record<string, FloatDtype> = { fp32: 'F32', fp16: 'F16', bf16: 'BF16' };

/** Throws cli.bad_flag. */
export function dtypeOf(given: unknown): FloatDtype {
  const dtype = dtypes[String(given)];
  if (!dtype) throw new AppError('cli.bad_flag', `--dtype "${String(given)}" is not known.`, `Choose one of: ${Object.keys(dtypes).join(', ')}.`);
  return dtype;
}

export const exportRun: Action = async (output, [dir], options) => {
  const dtype = dtypeOf(options['dtype']), form = options['format'] as ExportForm | undefined;
  if (form && ![...loraForms, ...modelForms].includes(form)) throw new AppError('cli.bad_flag', `--format "${form}" is not known.`, `LoRA: ${loraForms.join(', ')}; full model: ${modelForms.join(', ')}.`);
  const done = await write(dir!, { checkpoint: String(options['checkpoint']), ema: options['ema'] === true, form, dtype, output: options['output'] as string | undefined, onProgress: (n, total) => output.progress('writing', n, total) });
  output.data({ type: 'export', ...done });
  output.result(`${done.format} of step ${done.step}: ${done.file} (${(done.bytes / 1e6).toFixed(1)} MB)`);
};
