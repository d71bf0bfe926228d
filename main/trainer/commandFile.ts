/** Commands to a training process that is not our child any more go through a file in its folder: commands.jsonl. */
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runFolder } from '../contract/runFolder.ts';
import type { TrainerCommand } from '../contract/trainerEvent.ts';

/** Appends a command with the next number `c`. */
export function appendCommand(folder: string, command: TrainerCommand): void {
  const file = join(folder, runFolder.commands);
  let lines = 0;
  try { lines = readFileSync(file, 'utf8').split('\n').length - 1; } catch { /* the first */ }
  appendFileSync(file, `${JSON.stringify({ c: lines + 1, ...command })}\n`);
}
