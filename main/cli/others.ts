/** Commands whose work belongs to other rooms: dataset, bench, parity, doctor. */
import type { Command } from 'commander';
import { addBench } from './bench.ts';
import { addChecks } from './checks.ts';
import { addDataset } from './dataset.ts';

export function addOthers(program: Command): void {
  addDataset(program);
  addBench(program);
  addChecks(program);
}
