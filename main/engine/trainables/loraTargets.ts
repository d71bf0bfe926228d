/** Which layers of a UNet or text encoder get a low-rank change, and its initial weights (Hu et al. 2021, "LoRA"). */
import { AppError } from '../../contract/errors.ts';
import type { RunConfig } from '../../contract/runConfig.ts';
import type { WeightShapes } from '../models/weightShapes.ts';
import { normal } from '../random.ts';

/** Layer names end so. Attention: the four projections of self- and cross-attention, in the UNet and in CLIP. */
const attention = /(^|\.)(to_q|to_k|to_v|to_out\.0|q_proj|k_proj|v_proj|out_proj)$/;
const feedForward = /(^|\.)(ff\.net\.0\.proj|ff\.net\.2|fc1|fc2)$/;
/** Convolutions and the projections around transformers; not the first and last layer of the network. */
const convolutions = /(^|\.)(conv1|conv2|conv_shortcut|proj_in|proj_out|(down|up)samplers\.0\.conv)$/;

type Targets = Pick<RunConfig['method'], 'targets' | 'target_pattern'>;

function chooser({ targets, target_pattern }: Targets): (layer: string) => boolean {
  if (targets === 'pattern') {
    let pattern: RegExp;
    try { pattern = new RegExp(target_pattern); } catch (error) {
      throw new AppError('config.bad_pattern', `"${target_pattern}" is not a regular expression: ${(error as Error).message}`, 'Correct the layer pattern, e.g. up_blocks.*attn2\\.to_v', { pattern: target_pattern });
    }
    return (layer) => pattern.test(layer);
  }
  const groups = { attention: [attention], 'attention+ff': [attention, feedForward], 'attention+ff+conv': [attention, feedForward, convolutions] }[targets];
  return (layer) => groups.some((g) => g.test(layer));
}

/** Names (without ".weight") of the layers to be changed. Throws config.no_lora_layers when there is none, config.bad_pattern. */
export function loraLayers(shapes: WeightShapes, options: Targets): string[] {
  const wanted = chooser(options);
  const layers = Object.entries(shapes).filter(([name, shape]) => name.endsWith('.weight') && shape.length >= 2 && !/embedding\.weight$/.test(name)).map(([name]) => name.slice(0, -'.weight'.length)).filter(wanted);
  if (!layers.length) throw new AppError('config.no_lora_layers', `No layer of the model matches "${options.targets === 'pattern' ? options.target_pattern : options.targets}".`, 'Choose another set of LoRA layers, or correct the pattern, e.g. up_blocks.*attn2\\.to_v');
  return layers;
}

export interface LoraShapes { down: number[]; up: number[] }

/** Linear [in,out]: down [in,r], up [r,out]. Convolution [k,k,in,out]: down [k,k,in,r], up [1,1,r,out]. */
export function loraShapes(weight: number[], rank: number): LoraShapes {
  const out = weight.at(-1)!, head = weight.slice(0, -1);
  return { down: [...head, rank], up: [...new Array<number>(weight.length - 2).fill(1), rank, out] };
}

/** `down` from N(0, 1/rank²) as PEFT's "gaussian", by (seed, layer); `up` is zero, so that the first step starts at the base model. */
export function initialDown(seed: number, layer: string, shape: number[], rank: number): Float32Array {
  const n = shape.reduce((a, b) => a * b, 1);
  return normal({ seed, stream: 'lora_init', sample: nameHash(layer) }, n).map((v) => v / rank);
}

/** FNV-1a: a layer's draw does not depend on which other layers are trained. */
function nameHash(name: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193);
  return h >>> 0;
}
