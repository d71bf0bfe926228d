/** What the check of a configuration says of LPL's share of the steps. */
import { expect, test } from 'vitest';
import { checkConfig } from '../../main/runs/configCheck.ts';

const found = async () => ({ problem: null, hint: '' });
const lplWarnings = async (lpl: object, training: object, diffusion: object = {}): Promise<string[]> =>
  (await checkConfig({ model: { base: 'm' }, data: { dataset: 'd' }, samples: { prompts: ['p'] }, lpl: { enabled: true, ...lpl }, training, diffusion }, { model: found, dataset: found })).warnings.map((w) => `${w.path}: ${w.message} ${w.hint}`);

test('too few pictures a step for LPL are said once, with how many are enough by the run\'s own threshold and bias', async () => {
  const few = (n: string, enough: number): string => `training.train_batch_size: ${n} too few for a sample below the timestep threshold in every step; steps without one train no LPL. ${enough} pictures a step (batch size × gradient accumulation) with stratified timesteps put one into every step.`;
  expect(await lplWarnings({}, {})).toEqual([few('1 picture a step is', 5)]);
  expect(await lplWarnings({ lpl_t_threshold: 100 }, { train_batch_size: 4 })).toEqual([few('4 pictures a step are', 10)]);
  expect(await lplWarnings({}, { train_batch_size: 2 }, { timestep_bias_strategy: 'earlier', timestep_bias_multiplier: 3 })).toEqual([few('2 pictures a step are', 3)]);
  expect(await lplWarnings({}, { train_batch_size: 5 })).toEqual([expect.stringMatching(/^lpl.lpl_stratified: /)]);
  expect(await lplWarnings({ lpl_stratified: true }, { train_batch_size: 5 })).toEqual([]);
  expect(await lplWarnings({}, {}, { timestep_bias_strategy: 'range', timestep_bias_multiplier: 0, timestep_bias_end: 200 })).toEqual([expect.stringMatching(/^lpl.lpl_t_threshold: .*no step trains LPL/)]);
});
