/** `lpl bench`: times the training step; one JSON line on stdout. */
import type { Command } from 'commander';
import type { Profile } from '../engine/bench/profile.ts';
import { command, type Action } from './command.ts';

export function addBench(program: Command): void {
  command(program, 'bench', 'time the training step on a model with random weights; one JSON line with reference_step.py\'s fields', async () => run)
    .requiredOption('--config <folder>', 'bench.json, unet.json and vae.json').option('--mode <name>', 'lora or full', 'lora').option('--lpl <0|1>', 'with the Latent Perceptual Loss', '1')
    .option('--batch <count>', 'samples a step', Number, 4).option('--below <share>', 'share of the batch below the LPL threshold', Number, 0.25).option('--steps <count>', 'timed steps', Number, 6).option('--warmup <count>', 'untimed steps before them', Number, 2)
    .option('--precision <name>', 'fp32, bf16 or fp16', 'fp32').option('--frozen <name>', 'storage of frozen weights: fp32, bf16 or fp16', 'fp32').option('--targets <name>', 'LPL targets: fed, as from the cache, or computed in every step, which takes less memory; auto: fed unless the model is large', 'auto').option('--checkpoint <0|1>', 'gradient checkpointing', '0')
    .option('--backend <name>', 'auto, tensorflow, tensorflow-eager, wasm, cpu', 'auto').option('--profile', 'also say where the time goes: by part and by operation');
}

function profileText(p: Profile): string[] {
  const ms = (v: number): string => `${v.toFixed(1).padStart(9)} ms`;
  return [
    `step                   ${ms(p.step_ms)}; its ${p.gflop.toFixed(0)} GFLOP at this machine's ${p.machine.convolution.toFixed(0)} (convolutions) and ${p.machine.product.toFixed(0)} GFLOP/s (products) would take ${(100 * p.share_of_machine).toFixed(0)} % of that`,
    ...Object.entries(p.parts).map(([part, v]) => `${part.padEnd(23)}${ms(v)}`), `${'fused loops, overhead'.padEnd(23)}${ms(p.rest_ms)}`,
    ...p.ops.slice(0, 24).map((o) => `  ${o.part.padEnd(13)} ${o.op.padEnd(22)} ${String(o.count).padStart(5)} × ${ms(o.milliseconds)}${o.gflops_per_second ? `  ${o.gflops_per_second.toFixed(0)} GFLOP/s` : ''}`),
  ];
}

const run: Action = async (output, _args, o) => {
  const { bench } = await import('../engine/bench.ts');
  const on = (name: string): boolean => String(o[name]) === '1';
  const options = { ...o, lpl: on('lpl'), checkpointing: on('checkpoint') } as unknown as Parameters<typeof bench>[0];
  const { profile, ...result } = await bench(options, output.text);
  process.stdout.write(`${JSON.stringify(profile && output.json ? { ...result, profile } : result)}\n`);
  if (profile) profileText(profile).forEach(output.text);
};
