/** `lpl evaluate` and `lpl compare`: what a comparison measures, without a window. */
import { builtinLplWeight } from '../contract/models.ts';
import type { Command } from 'commander';
import { command } from './command.ts';

export function addCompare(program: Command): void {
  const limits = (c: Command): Command => c.option('--prompts <count>', 'prompts drawn: the run\'s own, then captions of held-out pictures', Number).option('--seeds <count>', 'pictures a prompt', Number)
    .option('--references <count>', 'held-out pictures compared with', Number).option('--reconstructions <count>', 'held-out pictures noised and reconstructed', Number)
    .option('--features <file>', 'an ONNX image model (CLIP, Inception, …) to compare pictures with, in place of the built-in one');
  limits(command(program, 'evaluate <run>', 'measure a run\'s newest checkpoint: pictures, reconstructions, features', async () => (await import('./compare.ts')).evaluate));
  limits(command(program, 'compare [runs...]', 'did LPL help? evaluates the runs where needed and writes a report that opens without the app', async () => (await import('./compare.ts')).compare))
    .option('--report <file>', 'the HTML file; its numbers go beside it as .json', 'comparison.html').option('--title <text>', 'the report\'s title')
    .option('--arms <file>', 'which run belongs to which arm: [{"kind": "baseline"|"lpl"|"aa"|"other", "label", "runs": [folder]}]; without it runs are sorted by their settings');
  command(program, 'demo', 'the built-in model and pictures, fine-tuned with and without LPL, and a report: did it help?', async () => (await import('./demo.ts')).demo)
    .option('--steps <count>', 'optimizer steps of each run', '150').option('--seeds <count>', 'repetitions of each arm', '1').option('--lpl_weight <weight>', 'of the LPL arm', String(builtinLplWeight)).option('--report <file>', 'the report; in the output folder unless given').option('--no-aa', 'without the A/A arm, and so without a verdict').option('--output_dir <folder>', 'where runs and report go; given again, it goes on where it stood', `runs/demo-${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}`);
}
