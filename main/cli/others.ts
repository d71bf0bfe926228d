/** Commands whose work belongs to other rooms: serve, setup, dataset, bench, parity, doctor. */
import type { Command } from 'commander';
import { addApp } from './app.ts';
import { addBench } from './bench.ts';
import { addChecks } from './checks.ts';
import { addCompare } from './compareCommands.ts';
import { addDataset } from './dataset.ts';

export function addOthers(program: Command): void {
  addApp(program);
  addDataset(program);
  addBench(program);
  addChecks(program);
  addCompare(program);
}
