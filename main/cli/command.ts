/** One command of `lpl`: what it does, and how it is wired. */
import type { Command } from 'commander';
import { exitCodes, failureReason } from '../engine/run/exitCodes.ts';
import { openOutput, type Output } from './output.ts';

/** What a command does; returns its exit code (nothing: 0). */
export type Action = (output: Output, args: string[], options: Record<string, unknown>) => Promise<number | void>;

/** Wires a command: --json, lazily loaded action, errors as text and exit code. */
export function command(parent: Command, usage: string, description: string, load: () => Promise<Action>): Command {
  const made = parent.command(usage).description(description).option('--json', 'JSON lines on stdout, text for people on stderr').showHelpAfterError('(add --help for help)');
  return made.action(async (...given: unknown[]) => {
    const options = given.at(-2) as Record<string, unknown>, args = given.slice(0, -2).flat() as string[];
    const output = openOutput(options['json'] === true);
    try { process.exitCode = (await (await load())(output, args, options)) ?? 0; } catch (error) {
      process.exitCode = exitCodes[failureReason(output.error(error))];
    }
  });
}
