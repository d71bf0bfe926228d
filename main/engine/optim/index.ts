/** The optimizer of a run's configuration. */
import type { RunConfig } from '../../contract/runConfig.ts';
import { adafactor } from './adafactor.ts';
import { adamw } from './adamw.ts';
import { adamw8bit } from './adamw8bit.ts';
import type { Optimizer } from './optimizer.ts';

export function createOptimizer(o: RunConfig['optimizer']): Optimizer {
  const adam = { beta1: o.adam_beta1, beta2: o.adam_beta2, eps: o.adam_epsilon, weight_decay: o.adam_weight_decay };
  switch (o.optimizer) {
    case 'adamw': return adamw(adam);
    case 'adamw8bit': return adamw8bit(adam);
    case 'adafactor': return adafactor({ weight_decay: o.adam_weight_decay });
  }
}
