/** Commands whose work belongs to other rooms: bench, parity, doctor, dataset. */
import type { Command } from 'commander';

export function addOthers(_program: Command): void {}
