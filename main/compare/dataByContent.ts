/** A run's own frozen copy of its data set lies in its folder: two runs on the same pictures have two paths. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { RunConfig } from '../contract/runConfig.ts';
import { runFolder } from '../contract/runFolder.ts';

const frozen: readonly string[] = [runFolder.chosenData, runFolder.chosenPriorData];
const named = <T extends string | null>(path: T): T | string =>
  (path !== null && frozen.includes(basename(path)) && existsSync(path) ? `chosen pictures ${createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16)}` : path);

/** The settings with frozen data sets named by their content (16 digits of the file's SHA-256), so that equal ones are equal. Other paths stay. */
export const dataByContent = <C extends RunConfig>(config: C): C =>
  ({ ...config, data: { ...config.data, dataset: named(config.data.dataset), prior_dataset: named(config.data.prior_dataset) } });
