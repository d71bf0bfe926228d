/** `lpl train --estimate`: what a run will need, before it is started. */
import type { RunConfig } from '../contract/runConfig.ts';
import { estimateMemory } from '../services/estimate.ts';
import type { Output } from './output.ts';

export async function printEstimate(output: Output, config: RunConfig): Promise<number> {
  const estimate = await estimateMemory(config, { path: config.model.base });
  output.data(estimate);
  for (const { name, mb } of estimate.memory_parts) output.text(`${String(mb).padStart(8)} MB  ${name}`);
  output.result(`${estimate.memory_mb} MB of ${estimate.memory_available_mb} MB free: ${estimate.fits ? 'fits' : 'does not fit'}`);
  for (const note of estimate.notes) output.text(note);
  return estimate.fits ? 0 : 1;
}
