/** Commands whose work belongs to other rooms: dataset, bench, parity, doctor. */
import type { Command } from 'commander';
import { addDataset } from './dataset.ts';

export function addOthers(program: Command): void {
  addDataset(program);
}
