/** Fields of the run configuration: optimizer, training, samples, validation. */
import { z } from 'zod';
import { field } from './field.ts';

export const optimizerFields = {
  optimizer: field(z.enum(['adamw', 'adamw8bit', 'adafactor']).default('adamw'), { title: 'Optimizer', alias: 'optimizer_type', description: 'adamw8bit keeps its state in a quarter of the memory; adafactor in even less.' }),
  learning_rate: field(z.number().min(0).max(10).default(1e-4), { title: 'Learning rate', simple: true, description: 'Size of the optimizer\'s steps.', advice: '1e-4 for LoRA, 1e-5 to 1e-6 for full fine-tuning.' }),
  text_encoder_lr: field(z.number().min(0).max(10).nullable().default(null), { title: 'Text encoder learning rate', description: 'Empty: the same.' }),
  scale_lr: field(z.boolean().default(false), { title: 'Scale learning rate', description: 'Multiply the learning rate by batch size and accumulation.' }),
  lr_scheduler: field(z.enum(['constant', 'constant_with_warmup', 'linear', 'cosine', 'cosine_with_restarts', 'polynomial']).default('constant'), { title: 'Learning rate schedule', description: 'How the learning rate changes over the run.' }),
  lr_warmup_steps: field(z.int().min(0).max(10_000_000).default(0), { title: 'Warm-up', unit: 'steps', description: 'Steps over which the learning rate grows from zero.' }),
  lr_num_cycles: field(z.number().min(0.5).max(100).default(1), { title: 'Cycles', description: 'Restarts of the cosine schedule.' }),
  lr_power: field(z.number().min(0.1).max(10).default(1), { title: 'Power', description: 'Exponent of the polynomial schedule.' }),
  adam_beta1: field(z.number().min(0).max(0.9999).default(0.9), { title: 'Beta 1', description: 'Decay of the gradient\'s running mean.' }),
  adam_beta2: field(z.number().min(0).max(0.99999).default(0.999), { title: 'Beta 2', description: 'Decay of the squared gradient\'s running mean.' }),
  adam_weight_decay: field(z.number().min(0).max(10).default(0.01), { title: 'Weight decay', description: 'Pulls weights towards zero.' }),
  adam_epsilon: field(z.number().min(1e-12).max(1).default(1e-8), { title: 'Epsilon', description: 'Keeps divisions finite.' }),
  max_grad_norm: field(z.number().min(0).max(1e6).default(1), { title: 'Largest gradient norm', description: 'Gradients are scaled down to this norm; 0: never.' }),
};

export const trainingFields = {
  max_train_steps: field(z.int().min(1).max(10_000_000).default(1500), { title: 'Steps', simple: true, unit: 'steps', description: 'Optimizer steps in all.' }),
  num_train_epochs: field(z.number().min(0).max(100_000).nullable().default(null), { title: 'Epochs', unit: 'epochs', description: 'Instead of steps: passes over the data set.' }),
  train_batch_size: field(z.int().min(1).max(1024).default(1), { title: 'Batch size', unit: 'pictures', description: 'Pictures in one forward pass.' }),
  gradient_accumulation_steps: field(z.int().min(1).max(1024).default(1), { title: 'Gradient accumulation', unit: 'batches', description: 'Batches added up before each optimizer step.' }),
  gradient_checkpointing: field(z.boolean().default(false), { title: 'Gradient checkpointing', description: 'Recompute activations in the backward pass: less memory, a third more time.' }),
  precision: field(z.enum(['fp32', 'bf16', 'fp16']).default('fp32'), { title: 'Compute precision', alias: 'mixed_precision', description: 'Precision of convolutions and matrix products; trained weights stay fp32. A half precision is used for the operations that it makes quicker on this processor.' }),
  frozen_precision: field(z.enum(['fp32', 'bf16', 'fp16']).default('fp32'), { title: 'Frozen weights', description: 'Storage of weights that are not trained.' }),
  seed: field(z.int().min(0).max(4294967295).default(42), { title: 'Seed', description: 'Decides noise, timesteps, order, flips and initial LoRA weights.' }),
  use_ema: field(z.boolean().default(false), { title: 'EMA', description: 'Keep an exponential moving average of the trained weights.' }),
  ema_decay: field(z.number().min(0).max(0.999999).default(0.9999), { title: 'EMA decay', description: 'How slowly the average moves.', when: { 'training.use_ema': [true] } }),
  checkpointing_steps: field(z.int().min(1).max(10_000_000).default(250), { title: 'Checkpoint every', unit: 'steps', description: 'Everything needed to go on is saved and read back.' }),
  checkpoints_total_limit: field(z.int().min(1).max(10_000).default(3), { title: 'Checkpoints kept', description: 'Older ones go once a newer one has been read back.' }),
  backend: field(z.enum(['auto', 'tensorflow', 'tensorflow-eager', 'wasm', 'cpu']).default('auto'), { title: 'Backend', description: 'What computes. Auto takes the fastest that works here.' }),
  threads: field(z.int().min(0).max(256).default(0), { title: 'Threads', description: '0: as many as the machine has.' }),
};

export const sampleFields = {
  prompts: field(z.array(z.string().max(10_000)).max(64).default([]), { title: 'Sample prompts', simple: true, alias: 'validation_prompt', description: 'Pictures of these prompts are drawn while training.' }),
  negative_prompt: field(z.string().max(10_000).default(''), { title: 'Negative prompt', description: 'What pictures should not show.' }),
  seeds: field(z.array(z.int().min(0).max(4294967295)).max(64).default([1, 2]), { title: 'Sample seeds', description: 'Each prompt is drawn once per seed; the same in every run.' }),
  sample_every: field(z.int().min(0).max(10_000_000).default(250), { title: 'Draw every', unit: 'steps', description: 'Also at step 0 and at the end; 0: only then.' }),
  sampler: field(z.enum(['euler', 'euler_a', 'ddim', 'dpmpp_2m', 'dpmpp_2m_karras', 'unipc', 'lcm']).default('euler'), { title: 'Sampler', description: 'How pictures are drawn from noise.' }),
  num_inference_steps: field(z.int().min(1).max(1000).default(25), { title: 'Sampler steps', unit: 'steps', description: 'Network evaluations per picture.' }),
  guidance_scale: field(z.number().min(0).max(50).default(5), { title: 'Guidance', description: 'Strength of classifier-free guidance; 1: none.' }),
  guidance_rescale: field(z.number().min(0).max(1).default(0), { title: 'Guidance rescale', description: 'Counters over-exposure at strong guidance (Lin et al. 2023).' }),
  sample_size: field(z.int().min(64).max(4096).multipleOf(8).nullable().default(null), { title: 'Sample size', unit: 'px', description: 'Side of the pictures; empty: the resolution.' }),
  sample_ema: field(z.boolean().default(true), { title: 'Draw EMA weights too', description: 'When EMA is on, draw with both.' }),
};

export const validationFields = {
  validation_every: field(z.int().min(0).max(10_000_000).default(0), { title: 'Validate every', unit: 'steps', description: 'Loss on the held-out pictures with fixed noise; 0: never.' }),
  validation_images: field(z.int().min(1).max(10_000).default(32), { title: 'Validation pictures', description: 'At most so many of the held-out pictures.' }),
  validation_bins: field(z.int().min(2).max(50).default(10), { title: 'Timestep bins', description: 'Losses are reported for so many ranges of timesteps.' }),
};
