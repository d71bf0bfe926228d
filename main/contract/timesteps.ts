/**
 * What share of the training samples falls below a timestep, and of the steps trains LPL. Timesteps are drawn with weights as in diffusers' SDXL
 * script: 1 everywhere, `multiplier` in the biased part (its last or first `portion`, or a range).
 */
import type { RunConfig } from './runConfig.ts';

export const TIMESTEPS = 1000;
type Bias = Pick<RunConfig['diffusion'], 'timestep_bias_strategy' | 'timestep_bias_multiplier' | 'timestep_bias_portion' | 'timestep_bias_begin' | 'timestep_bias_end'>;

/** First and last-plus-one biased timestep; [0, 0] for none. */
function biased(b: Bias): readonly [number, number] {
  const count = Math.floor(b.timestep_bias_portion * TIMESTEPS);
  switch (b.timestep_bias_strategy) {
    case 'none': return [0, 0];
    case 'earlier': return [0, count];
    case 'later': return [TIMESTEPS - count, TIMESTEPS];
    case 'range': return [Math.min(b.timestep_bias_begin, TIMESTEPS), Math.min(b.timestep_bias_end, TIMESTEPS)];
  }
}

/** Weight of each timestep before normalising: constant on the parts, which follow each other from 0 to 1000. */
export function weightParts(b: Bias): { from: number; to: number; weight: number }[] {
  const [begin, end] = biased(b);
  if (end <= begin) return [{ from: 0, to: TIMESTEPS, weight: 1 }];
  return [{ from: 0, to: begin, weight: 1 }, { from: begin, to: end, weight: b.timestep_bias_multiplier }, { from: end, to: TIMESTEPS, weight: 1 }].filter((p) => p.to > p.from);
}

/** P(t < threshold), 0 … 1; NaN when no timestep can be drawn. */
export function shareBelow(threshold: number, b: Bias): number {
  const parts = weightParts(b);
  const mass = (to: number): number => parts.reduce((sum, p) => sum + p.weight * Math.max(0, Math.min(p.to, to) - p.from), 0);
  return mass(threshold) / mass(TIMESTEPS);
}

type LplSettings = Pick<RunConfig, 'lpl' | 'diffusion' | 'training'>;

/** Samples of one optimizer step. */
export const samplesPerStep = ({ training }: Pick<RunConfig, 'training'>): number => training.train_batch_size * training.gradient_accumulation_steps;

/**
 * Share of a run's steps in which LPL has a sample, 0 … 1: with p = P(t < threshold) and n samples a step 1 − (1 − p)^n where they are drawn
 * independently, min(1, p·n) where stratified (n evenly spaced quantiles); none before `lpl_start`, where the number of steps is known. NaN when
 * no timestep can be drawn.
 */
export function lplStepShare({ lpl, diffusion, training }: LplSettings): number {
  if (!lpl.enabled || lpl.lpl_weight === 0) return 0;
  const p = shareBelow(lpl.lpl_t_threshold, diffusion), n = samplesPerStep({ training });
  const after = training.num_train_epochs === null ? Math.max(0, 1 - lpl.lpl_start / training.max_train_steps) : 1;
  return after * (lpl.lpl_stratified ? Math.min(1, p * n) : 1 - (1 - p) ** n);
}
