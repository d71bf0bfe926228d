/** `lpl bench`: times the training step; one JSON line on stdout. */
import type { Command } from 'commander';
import { command, type Action } from './program.ts';

export function addBench(program: Command): void {
  command(program, 'bench', 'time the training step on a model with random weights; one JSON line with reference_step.py\'s fields', async () => run)
    .requiredOption('--config <folder>', 'bench.json, unet.json and vae.json').option('--mode <name>', 'lora or full', 'lora').option('--lpl <0|1>', 'with the Latent Perceptual Loss', '1')
    .option('--batch <count>', 'samples a step', Number, 4).option('--below <share>', 'share of the batch below the LPL threshold', Number, 0.25).option('--steps <count>', 'timed steps, after two to warm up', Number, 6)
    .option('--precision <name>', 'fp32, bf16 or fp16', 'fp32').option('--frozen <name>', 'storage of frozen weights: fp32, bf16 or fp16', 'fp32').option('--checkpoint <0|1>', 'gradient checkpointing', '0')
    .option('--backend <name>', 'auto, tensorflow, tensorflow-eager, wasm, cpu', 'auto').option('--profile', 'also say where the time goes: by part and by operation');
}

const run: Action = async (output, _args, o) => {
  const { bench } = await import('../engine/bench.ts');
  const on = (name: string): boolean => String(o[name]) === '1';
  const options = { ...o, lpl: on('lpl'), checkpointing: on('checkpoint') } as unknown as Parameters<typeof bench>[0];
  const result = await bench(options, output.text);
  process.stdout.write(`${JSON.stringify(result)}\n`);
};
