/** Learning rate schedules with the names and formulas of diffusers' get_scheduler. */

export type LrScheduler = 'constant' | 'constant_with_warmup' | 'linear' | 'cosine' | 'cosine_with_restarts' | 'polynomial';

export interface LrScheduleOptions {
  lr_scheduler: LrScheduler;
  learning_rate: number;
  lr_warmup_steps: number;
  /** optimizer steps of the whole run */
  max_train_steps: number;
  /** restarts of cosine_with_restarts */
  lr_num_cycles?: number;
  /** exponent of polynomial */
  lr_power?: number;
}

/** polynomial ends here, as in diffusers */
const LR_END = 1e-7;

/** Share of the learning rate left at `progress` (0 … 1 of the steps after warm-up), by schedule. */
const afterWarmup: Record<LrScheduler, (progress: number, o: LrScheduleOptions) => number> = {
  constant: () => 1,
  constant_with_warmup: () => 1,
  linear: (x) => Math.max(0, 1 - x),
  cosine: (x) => Math.max(0, 0.5 * (1 + Math.cos(Math.PI * x))),
  cosine_with_restarts: (x, o) => (x >= 1 ? 0 : Math.max(0, 0.5 * (1 + Math.cos(Math.PI * (((o.lr_num_cycles ?? 1) * x) % 1))))),
  polynomial(x, o) {
    const end = LR_END / o.learning_rate;
    return x > 1 ? end : (1 - end) * (1 - x) ** (o.lr_power ?? 1) + end;
  },
};

/** The learning rate of optimizer step `step` (from 0). Every schedule but `constant` first grows linearly from 0. */
export function learningRate(step: number, o: LrScheduleOptions): number {
  if (o.learning_rate === 0) return 0;
  if (o.lr_scheduler !== 'constant' && step < o.lr_warmup_steps) return (o.learning_rate * step) / Math.max(1, o.lr_warmup_steps);
  const progress = (step - o.lr_warmup_steps) / Math.max(1, o.max_train_steps - o.lr_warmup_steps);
  return o.learning_rate * afterWarmup[o.lr_scheduler](progress, o);
}
