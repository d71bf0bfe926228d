/** `lpl evaluate` and `lpl compare`: what a comparison measures, without a window. */
import type { Command } from 'commander';
import { command } from './program.ts';

export function addCompare(program: Command): void {
  const limits = (c: Command): Command => c.option('--prompts <count>', 'prompts drawn: the run\'s own, then captions of held-out pictures', Number).option('--seeds <count>', 'pictures a prompt', Number)
    .option('--references <count>', 'held-out pictures compared with', Number).option('--reconstructions <count>', 'held-out pictures noised and reconstructed', Number);
  limits(command(program, 'evaluate <run>', 'measure a run\'s newest checkpoint: pictures, reconstructions, features', async () => (await import('./compare.ts')).evaluate));
  limits(command(program, 'compare [runs...]', 'did LPL help? evaluates the runs where needed and writes a report that opens without the app', async () => (await import('./compare.ts')).compare))
    .option('--report <file>', 'the HTML file; its numbers go beside it as .json', 'comparison.html').option('--title <text>', 'the report\'s title')
    .option('--arms <file>', 'which run belongs to which arm: [{"kind": "baseline"|"lpl"|"aa"|"other", "label", "runs": [folder]}]; without it runs are sorted by their settings');
}
