/** Which architecture a model is, from a single file's tensor names or a folder's model_index.json. */
import { AppError } from '../../contract/errors.ts';
import { notSupported } from './errors.ts';
import type { ModelKind } from './keyMapping/original.ts';

type Tensors = ReadonlyMap<string, { shape: number[] }>;

const unetPrefix = 'model.diffusion_model.';
/** Architectures recognised by a tensor that only they have, to be named in the message. */
const others: [pattern: RegExp, name: string][] = [
  [/(^|\.)joint_blocks\.\d+\.|transformer_blocks\.\d+\.attn\.add_q_proj/, 'Stable Diffusion 3'],
  [/(^|\.)double_blocks\.\d+\.|single_transformer_blocks\.\d+\./, 'Flux'],
  [/(^|\.)(adaln_single|t_block)\./, 'PixArt'],
  [/clip_txt_pooled_mapper\./, 'Stable Cascade'],
  [/mlp_t5\.|(^|\.)extra_embedder\./, 'Hunyuan-DiT'],
  [/double_layers\.\d+\.attn\./, 'AuraFlow'],
  [/time_stack\.|temporal_transformer/, 'a video model (Stable Video Diffusion, AnimateDiff)'],
  [/^control_model\.|controlnet_cond_embedding\./, 'ControlNet'],
];

const otherFile = (path: string, what: string, hint: string): AppError =>
  new AppError('model.not_a_base_model', `${path} is ${what}, not a complete base model.`, hint, { path });

/** A part of a model, mistaken for the whole. */
function refuseParts(path: string, names: string[]): void {
  if (names.some((n) => /\.lora_(down|up|A|B)\.|\.lora\.(down|up)\.|lora_linear_layer|\.hada_w1|\.lokr_w/.test(n))) throw otherFile(path, 'a LoRA', 'Choose the base model here and the LoRA under "Continue from LoRA".');
  if (names.length > 0 && names.every((n) => /^(first_stage_model\.)?(encoder|decoder|quant_conv|post_quant_conv|loss)\b/.test(n))) throw otherFile(path, 'a VAE', 'Choose the base model here and the VAE under "Other VAE".');
  if (names.some((n) => /^(down_blocks|up_blocks|mid_block)\./.test(n))) throw otherFile(path, 'a UNet in diffusers layout', 'Choose the whole model folder, the one with model_index.json.');
  if (names.length < 3) throw otherFile(path, names.some((n) => /emb_params|\*|clip_[lg]/.test(n)) ? 'a textual inversion embedding' : `a file with ${names.length === 1 ? 'one tensor' : `${names.length} tensors`}`, 'Choose an SDXL or Stable Diffusion 1.5 model.');
}

/** Tells SDXL and SD 1.5 apart from each other and from everything else. Throws model.not_supported, model.not_a_base_model. */
export function recogniseSingleFile(path: string, tensors: Tensors): ModelKind {
  const names = [...tensors.keys()], other = others.find(([pattern]) => names.some((n) => pattern.test(n)));
  if (other) throw notSupported(path, other[1]);
  const convIn = tensors.get(`${unetPrefix}input_blocks.0.0.weight`);
  if (!convIn) {
    refuseParts(path, names);
    throw notSupported(path, 'this architecture (its tensors have unknown names)');
  }
  const inputs = convIn.shape[1];
  if (inputs === 9) throw notSupported(path, 'an inpainting model');
  if (inputs === 8) throw notSupported(path, 'an InstructPix2Pix or depth model');
  const has = (prefix: string): boolean => names.some((n) => n.startsWith(prefix));
  if (!has(`${unetPrefix}label_emb.`)) {
    if (has('cond_stage_model.model.')) throw notSupported(path, 'Stable Diffusion 2');
    return 'sd15';
  }
  if (has('conditioner.embedders.0.model.')) throw notSupported(path, 'the SDXL refiner');
  return 'sdxl';
}

const pipelines: Record<string, ModelKind> = {
  StableDiffusionXLPipeline: 'sdxl', StableDiffusionXLImg2ImgPipeline: 'sdxl', StableDiffusionXLInpaintPipeline: 'sdxl',
  StableDiffusionPipeline: 'sd15', StableDiffusionImg2ImgPipeline: 'sd15', LatentConsistencyModelPipeline: 'sd15',
};
const isNull = (part: unknown): boolean => part === undefined || part === null || (Array.isArray(part) && part[0] === null);

/** From model_index.json and the UNet's config.json. Throws model.not_supported. */
export function recogniseFolder(path: string, index: Record<string, unknown>, unet: Record<string, unknown>): ModelKind {
  const name = String(index['_class_name']), kind = pipelines[name];
  if (!kind) throw notSupported(path, `the pipeline ${name}`);
  if (kind === 'sdxl' && isNull(index['text_encoder'])) throw notSupported(path, 'the SDXL refiner');
  if (kind === 'sd15' && unet['cross_attention_dim'] === 1024) throw notSupported(path, 'Stable Diffusion 2');
  if (unet['in_channels'] === 9) throw notSupported(path, 'an inpainting model');
  return kind;
}
