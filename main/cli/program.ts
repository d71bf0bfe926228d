/** The commands of `lpl`. Each loads its code when it is run, so that help is instant. */
import { Command } from 'commander';
import { command } from './command.ts';

export async function buildProgram(argv: readonly string[]): Promise<Command> {
  const program = new Command('lpl').description('LPL Studio: fine-tune SDXL-family latent diffusion models, with or without the Latent Perceptual Loss.')
    .configureHelp({ showGlobalOptions: false }).helpCommand('help [command]', 'show the help of a command');
  const train = command(program, 'train [run]', 'train from RUN.json, from flags, or go on with a run folder', async () => (await import('./train.ts')).train)
    .option('--output_dir <folder>', 'the run folder to make (default: runs/<date>)')
    .option('--resume_from_checkpoint <name>', '"latest", or a checkpoint of the run folder')
    .option('--print_config', 'print the complete configuration and stop')
    .option('--estimate', 'print the expected memory and time and stop');
  if (argv[0] === 'train' || argv[1] === 'train') (await import('./configFlags.ts')).addConfigFlags(train);
  command(program, 'sample', 'draw pictures with a model, a LoRA or a run\'s checkpoint', async () => (await import('./sample.ts')).sample)
    .requiredOption('--prompt <text...>', 'what to draw; several may be given')
    .option('--model <path>', 'diffusers folder, single .safetensors file, or a known model\'s name').option('--run <folder>', 'a run: its model and its newest checkpoint (or --checkpoint)')
    .option('--checkpoint <name>', 'a checkpoint of the run', 'latest').option('--ema', 'the checkpoint\'s EMA weights').option('--lora <file>', 'a LoRA file').option('--lora_scale <number>', 'its strength', Number, 1)
    .option('--negative_prompt <text>', 'what pictures should not show', '').option('--seeds <integers>', 'one picture per prompt and seed: 1,2,3', '1')
    .option('--image <file>', 'img2img: a picture to start from, cut to the size').option('--strength <number>', 'img2img: how much of the picture may change, above 0 to 1', Number, 0.8)
    .option('--sampler <name>', 'euler, euler_a, ddim, dpmpp_2m, dpmpp_2m_karras, unipc, lcm', 'euler').option('--num_inference_steps <integer>', 'network evaluations per picture', Number, 25)
    .option('--guidance_scale <number>', 'classifier-free guidance; 1: none', Number, 5).option('--guidance_rescale <number>', 'Lin et al. 2023', Number, 0)
    .option('--width <px>', 'default: the model\'s size', Number).option('--height <px>', 'default: the model\'s size', Number)
    .option('--precision <name>', 'fp32, bf16 or fp16', 'fp32').option('--backend <name>', 'auto, tensorflow, tensorflow-eager, wasm, cpu', 'auto').option('--output_dir <folder>', 'where pictures go', 'samples');
  command(program, 'export <run>', 'write a run\'s result as LoRA or full model', async () => (await import('./export.ts')).exportRun)
    .option('--checkpoint <name>', 'which one', 'latest').option('--ema', 'the EMA weights').option('--output <path>', 'file (or folder) to write')
    .option('--format <name>', 'LoRA: kohya (default), kohya-diffusers, diffusers; full: diffusers (default), single-file').option('--dtype <name>', 'fp32, fp16 or bf16', 'fp16');
  command(program, 'merge', 'work a LoRA into its base model and write the result as a full model', async () => (await import('./merge.ts')).merge)
    .requiredOption('--model <path>', 'the base model: diffusers folder, single .safetensors file, or a known model\'s name').requiredOption('--lora <file>', 'a LoRA file, in any naming form')
    .requiredOption('--output <path>', 'file or folder to write').option('--lora_scale <number>', 'its strength', Number, 1)
    .option('--format <name>', 'diffusers (a folder) or single-file', 'diffusers').option('--dtype <name>', 'fp32, fp16 or bf16', 'fp16');
  await addOthers(program);
  return program;
}

async function addOthers(program: Command): Promise<void> {
  const others = await import('./others.ts');
  others.addOthers(program);
}
