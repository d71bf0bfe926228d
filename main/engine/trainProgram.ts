/** What the training loop asks of the step: see trainStep.ts for what a step computes. */
import type { Executor } from './backend/executor.ts';
import type { HostBatch } from './data/loadBatch.ts';
import type { StateGroups } from './run/checkpoints.ts';

/** What one optimizer step reports. */
export interface StepReport {
  /** loss, diffusion_loss, lpl_loss, lpl_samples, lr, grad_norm, lpl/layer_0 …, time/… */
  metrics: Record<string, number>;
  /** false: loss or gradients were not finite, and nothing was changed */
  finite: boolean;
  /** the step's shape ran for the first time: its duration tells nothing about later ones */
  firstUse: boolean;
  /** names of the pictures whose own loss was not finite */
  badPictures: string[];
}

export interface TrainProgram {
  readonly executor: Executor;
  /** the training state: { weights, optimizer, ema } */
  readonly groups: StateGroups;
  /** Runs optimizer step `step` (from 0) over its micro-batches. */
  step(step: number, batches: HostBatch[]): Promise<StepReport>;
}
