/** Reads a UNet's config.json off the tensor names and shapes of the original layout. */
import { AppError } from '../../contract/errors.ts';
import type { ComponentConfig, ModelKind } from './keyMapping/original.ts';

/** Shape by name, without the component's prefix. */
export type Shapes = ReadonlyMap<string, number[]>;

export const needsConfig = (path: string, component: string, what: string): AppError =>
  new AppError('model.needs_config', `${path}: the ${component}'s ${what} cannot be read off its tensors, because it is not one of the released models.`,
    `Put the model's config.json at ${path.replace(/\.safetensors$/, '')}/${component}/config.json, as in its diffusers folder.`, { path, component });

interface Level { layers: number; channels: number; attention: boolean; depth: number }

/** Number of transformer blocks in the attention module `name`; 0 where there is none. */
function transformerDepth(shapes: Shapes, name: string): number {
  let depth = 0;
  while (shapes.has(`${name}.transformer_blocks.${depth}.norm1.weight`)) depth++;
  return depth;
}

/** input_blocks.1 … in levels, each ended by a downsampler. */
function downLevels(shapes: Shapes): Level[] {
  const levels: Level[] = [];
  let level: Level = { layers: 0, channels: 0, attention: false, depth: 1 };
  for (let n = 1; ; n++) {
    const conv = shapes.get(`input_blocks.${n}.0.in_layers.2.weight`);
    if (conv) {
      const depth = transformerDepth(shapes, `input_blocks.${n}.1`);
      level = { layers: level.layers + 1, channels: conv[0]!, attention: depth > 0, depth: Math.max(1, depth) };
      continue;
    }
    levels.push(level);
    if (!shapes.has(`input_blocks.${n}.0.op.weight`)) return levels;
    level = { layers: 0, channels: 0, attention: false, depth: 1 };
  }
}

/** Whether each up level (deepest first) has attention. */
const upAttention = (shapes: Shapes, levels: Level[]): boolean[] =>
  levels.map((level, i) => shapes.has(`output_blocks.${i * (level.layers + 1)}.1.norm.weight`));

/** SDXL's micro-conditioning: pooled text and six numbers, each as `addition_time_embed_dim` sines. */
function textTime(shapes: Shapes, pooledWidth: number): ComponentConfig {
  const width = shapes.get('label_emb.0.0.weight')?.[1];
  if (width === undefined) return {};
  return { addition_embed_type: 'text_time', addition_time_embed_dim: (width - pooledWidth) / 6, projection_class_embeddings_input_dim: width };
}

/** Heads and norm groups leave no trace in shapes: SDXL's heads are 64 wide, SD 1.5's are eight, groups are 32. */
function headCounts(kind: ModelKind, path: string, channels: number[]): number | number[] {
  if (channels.some((c) => c % 64 !== 0)) throw needsConfig(path, 'unet', 'number of attention heads');
  return kind === 'sdxl' ? channels.map((c) => c / 64) : 8;
}

/** `pooledWidth`: width of the pooled text embedding, SDXL only. Throws model.needs_config for shapes that no released model has. */
export function inferUnetConfig(kind: ModelKind, path: string, shapes: Shapes, pooledWidth: number): ComponentConfig {
  const levels = downLevels(shapes), up = upAttention(shapes, [...levels].reverse()), channels = levels.map((l) => l.channels);
  const first = levels.findIndex((l) => l.attention), sample = `input_blocks.${1 + first * ((levels[0]?.layers ?? 0) + 1)}.1`;
  const toKey = shapes.get(`${sample}.transformer_blocks.0.attn2.to_k.weight`);
  if (!toKey || levels.some((l) => l.layers !== levels[0]!.layers)) throw needsConfig(path, 'unet', 'structure');
  return {
    _class_name: 'UNet2DConditionModel', act_fn: 'silu', norm_num_groups: 32, norm_eps: 1e-5, flip_sin_to_cos: true, freq_shift: 0, center_input_sample: false,
    sample_size: kind === 'sdxl' ? 128 : 64, in_channels: shapes.get('input_blocks.0.0.weight')?.[1] ?? 4, out_channels: shapes.get('out.2.weight')?.[0] ?? 4,
    block_out_channels: channels, layers_per_block: levels[0]!.layers, downsample_padding: 1, mid_block_scale_factor: 1,
    down_block_types: levels.map((l) => (l.attention ? 'CrossAttnDownBlock2D' : 'DownBlock2D')),
    mid_block_type: 'UNetMidBlock2DCrossAttn', up_block_types: up.map((a) => (a ? 'CrossAttnUpBlock2D' : 'UpBlock2D')),
    transformer_layers_per_block: kind === 'sdxl' ? levels.map((l) => l.depth) : 1, attention_head_dim: headCounts(kind, path, channels),
    cross_attention_dim: toKey[1]!, use_linear_projection: shapes.get(`${sample}.proj_in.weight`)?.length === 2, ...textTime(shapes, pooledWidth),
  };
}
