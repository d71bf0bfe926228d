/** `lpl merge`: a base model with a LoRA worked into its weights, as a model of its own. */
import { AppError } from '../contract/errors.ts';
import { modelForms } from '../engine/export.ts';
import { mergeLora } from '../engine/mergeLora.ts';
import { namedModel } from '../services/namedModel.ts';
import { dtypeOf } from './export.ts';
import type { Action } from './command.ts';

export const merge: Action = async (output, _args, o) => {
  const form = modelForms.find((f) => f === o['format']), strength = Number(o['lora_scale']);
  if (!form) throw new AppError('cli.bad_flag', `--format "${String(o['format'])}" is not known.`, `Choose one of: ${modelForms.join(', ')}.`);
  if (!Number.isFinite(strength)) throw new AppError('cli.bad_flag', '--lora_scale is not a number.', 'Give a number; 1 is the LoRA as it was trained.');
  const done = await mergeLora({
    model: await namedModel(String(o['model'])), lora: String(o['lora']), strength, form, dtype: dtypeOf(o['dtype']), output: String(o['output']),
    onProgress: (n, total) => output.progress('writing', n, total),
  });
  output.data({ type: 'export', ...done });
  output.result(`${done.format}: ${done.file} (${(done.bytes / 1e6).toFixed(1)} MB)`);
};
