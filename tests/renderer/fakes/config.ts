/** What the core would say about a configuration, roughly: form errors from the schema, one warning, an estimate by a formula. */
import { runConfigSchema } from '../../../main/contract/runConfig.ts';
import type { ConfigCheck, Estimate } from '../../../main/contract/runs.ts';

export function checkOf(config: unknown): ConfigCheck {
  const parsed = runConfigSchema.safeParse(config);
  if (!parsed.success) return { ok: false, errors: parsed.error.issues.map((i) => ({ path: i.path.join('.'), message: i.message, hint: '' })), warnings: [], config: null };
  const errors = parsed.data.model.base ? [] : [{ path: 'model.base', message: 'No base model is chosen.', hint: 'Choose one from the list.' }];
  const warnings = parsed.data.lpl.enabled && !parsed.data.lpl.lpl_stratified && parsed.data.training.train_batch_size === 1
    ? [{ path: 'training.train_batch_size', message: '1 picture a step is too few for a sample below the timestep threshold in every step; steps without one train no LPL.', hint: '5 pictures a step (batch size × gradient accumulation) with stratified timesteps put one into every step.' }] : [];
  return { ok: errors.length === 0, errors, warnings, config: parsed.data };
}

export function estimateOf(config: unknown): Estimate {
  const c = runConfigSchema.parse(config);
  const parts = [{ name: 'Weights', mb: 820 }, { name: 'Gradients and optimizer', mb: 120 }, { name: 'Activations', mb: 640 * c.training.train_batch_size }, ...(c.lpl.enabled ? [{ name: 'LPL: decoder activations', mb: 410 * c.training.train_batch_size }] : [])];
  const memory = parts.reduce((sum, p) => sum + p.mb, 0);
  const perStep = 0.4 + 0.1 * c.training.train_batch_size;
  return { source: 'formula', memory_parts: parts, memory_mb: memory, memory_available_mb: 21_400, seconds_per_step: perStep, total_seconds: perStep * c.training.max_train_steps, time_parts: [], fits: memory < 21_400, notes: [] };
}
