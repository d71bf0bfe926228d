/** A LoRA worked into its base model for good: W + strength · alpha/rank · down · up, written as a model in either layout. */
import { checkDeltas } from './checkpoint/lora/loraWeights.ts';
import { mergedWeights } from './checkpoint/lora/applyLora.ts';
import { readLora } from './checkpoint/lora/readLora.ts';
import type { FloatDtype } from './checkpoint/dtype.ts';
import { openModel } from './checkpoint/openModel.ts';
import { writeModelAs, type modelForms, type WrittenModel } from './export.ts';

export interface MergeOptions { model: string; lora: string; strength: number; form: (typeof modelForms)[number]; dtype: FloatDtype; output: string; onProgress?: (done: number, total: number) => void }

/** Throws model.*, lora.*, file.exists, disk.full. */
export async function mergeLora({ model, lora: file, strength, form, dtype, output, onProgress }: MergeOptions): Promise<WrittenModel> {
  const source = await openModel(model);
  try {
    const lora = await readLora(file, source.config('unet'));
    checkDeltas(lora, file);
    return await writeModelAs(form, output, source, { dtype, override: mergedWeights(source, lora, strength), ...(onProgress ? { onProgress } : {}) });
  } finally { await source.close(); }
}
