/** Samplers by name. */
import { ddimSampler } from './ddim.ts';
import { dpmpp2mSampler } from './dpmpp2m.ts';
import { eulerSampler } from './euler.ts';
import { lcmSampler } from './lcm.ts';
import type { Sampler, SamplerConfig, SamplerName } from './sampler.ts';
import { unipcSampler } from './unipc.ts';

export type { Sampler, SamplerConfig, SamplerName, TimestepSpacing } from './sampler.ts';

/** A fresh run of `steps` steps. Throws AppError on a configuration that the sampler cannot do. */
export function createSampler(name: SamplerName, config: SamplerConfig, steps: number): Sampler {
  switch (name) {
    case 'euler': return eulerSampler(config, steps, false);
    case 'euler_a': return eulerSampler(config, steps, true);
    case 'ddim': return ddimSampler(config, steps);
    case 'dpmpp_2m': return dpmpp2mSampler(config, steps);
    case 'unipc': return unipcSampler(config, steps);
    case 'lcm': return lcmSampler(config, steps);
  }
}
