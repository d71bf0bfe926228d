/** Where a step has its LPL targets from. */
import type { Executor } from '../backend/executor.ts';
import { sizeOf } from '../backend/stepCheck.ts';

/** A model of more values than this (SDXL has 2.6 billion, SD 1.5 less than one) leaves no memory for anything else. */
const LARGE = 1.5e9;

/**
 * `fed`: computed once for each latent, kept, and fed to the step, which saves a third of LPL's time; `computed` in every step for large models,
 * where the copies that feeding makes (2 GB at 512×512) are missed more than the time, which is small beside the UNet's.
 */
export function targetsPlan(executor: Executor): 'fed' | 'computed' {
  let values = 0;
  for (const { shape } of executor.variables().values()) values += sizeOf(shape);
  return values > LARGE ? 'computed' : 'fed';
}
