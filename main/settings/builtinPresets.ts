/** Built-in presets: differences from the defaults of the run configuration. */
import type { Preset } from '../contract/system.ts';

const preset = (id: string, name: string, description: string, config: Record<string, unknown>): Preset => ({ id, name, description, builtin: true, config });

export const builtinPresets: Preset[] = [
  preset('sdxl-lora-lpl', 'SDXL LoRA with LPL', 'A style or a subject on SDXL: rank 16, bfloat16, LPL as the paper sets it, stratified for small batches.', {
    data: { resolution: 1024 },
    method: { type: 'lora', rank: 16, alpha: 16 },
    lpl: { enabled: true, lpl_weight: 1, lpl_stratified: true },
    training: { max_train_steps: 1500, train_batch_size: 1, gradient_accumulation_steps: 4, gradient_checkpointing: true, precision: 'bf16', frozen_precision: 'bf16' },
  }),
  preset('sdxl-lora', 'SDXL LoRA', 'The same without LPL: the baseline to compare with.', {
    data: { resolution: 1024 },
    method: { type: 'lora', rank: 16, alpha: 16 },
    training: { max_train_steps: 1500, train_batch_size: 1, gradient_accumulation_steps: 4, gradient_checkpointing: true, precision: 'bf16', frozen_precision: 'bf16' },
  }),
  preset('sdxl-full-lpl', 'SDXL full fine-tuning with LPL', 'All weights of the UNet; needs a machine with a lot of memory.', {
    data: { resolution: 1024, proportion_empty_prompts: 0.1 },
    method: { type: 'full' },
    lpl: { enabled: true, lpl_weight: 1, lpl_stratified: true },
    optimizer: { learning_rate: 1e-5, lr_scheduler: 'constant_with_warmup', lr_warmup_steps: 500 },
    training: { max_train_steps: 10_000, train_batch_size: 4, gradient_checkpointing: true, precision: 'bf16', use_ema: true, checkpointing_steps: 1000 },
  }),
];
