/** `lpl dataset import|report|export`: data sets without a window. */
import type { Command } from 'commander';
import { command } from './command.ts';

export function addDataset(program: Command): void {
  const dataset = program.command('dataset').description('look over, take in and copy out folders of pictures with captions');
  const shape = (c: Command, without = '1024') => c.option('--resolution <px>', `side of the square whose area every bucket has (default: ${without})`).option('--upscale', 'enlarge pictures that are smaller than their bucket');
  shape(command(dataset, 'import <paths...>', 'make a data set of a folder, a zip or pictures', async () => (await import('./datasetActions.ts')).importDataset)).option('--name <text>', 'its name (default: the folder\'s)');
  shape(command(dataset, 'report <folder>', 'what training would see and what is wrong, keeping nothing; --json: one object a picture', async () => (await import('./datasetActions.ts')).reportDataset), 'that of --base, else 1024').option('--base <model>', 'judge at this model\'s resolution: a diffusers folder, single .safetensors file, or a known model\'s name');
  command(dataset, 'export <source> <target>', 'copy a data set (its id, or a folder) into an empty folder or a .zip', async () => (await import('./datasetActions.ts')).exportDataset)
    .option('--format <name>', 'imagefolder (Hugging Face) or kohya', 'imagefolder').option('--zip', 'write a zip');
  command(dataset, 'roundtrip <picture> <output>', 'cut a picture as training does, send it through a VAE and back, and write that as PNG', async () => (await import('./roundTrip.ts')).roundTripPicture)
    .requiredOption('--model <path>', 'a base model').option('--vae_only', 'the model is a VAE by itself').requiredOption('--crop <x,y,w,h>', 'what is cut out, px of the upright picture').requiredOption('--bucket <WxH>', 'the size it is scaled to, px')
    .option('--background <colour>', 'behind transparent parts', '#ffffff').option('--backend <name>', 'auto, tensorflow, tensorflow-eager, wasm, cpu', 'auto');
}
