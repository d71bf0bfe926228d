/** The configurations of a single file's components, from its tensors' shapes. */
import { needsConfig, inferUnetConfig, type Shapes } from './inferUnetConfig.ts';
import { originalPrefixes, type ComponentConfig, type ComponentName, type ModelConfigs, type ModelKind } from './keyMapping/original.ts';

const countWhile = (has: (i: number) => boolean): number => { let i = 0; while (has(i)) i++; return i; };

/** AutoencoderKL: widths per level; SDXL's and SD 1.5's differ only in their latents' scale. */
export function inferVaeConfig(kind: ModelKind, path: string, shapes: Shapes): ComponentConfig {
  const levels = countWhile((i) => shapes.has(`encoder.down.${i}.block.0.conv1.weight`));
  const channels = Array.from({ length: levels }, (_, i) => shapes.get(`encoder.down.${i}.block.0.conv1.weight`)![0]!);
  if (channels.some((c) => c % 32 !== 0)) throw needsConfig(path, 'vae', 'number of norm groups');
  return {
    _class_name: 'AutoencoderKL', act_fn: 'silu', norm_num_groups: 32, sample_size: kind === 'sdxl' ? 1024 : 512,
    in_channels: shapes.get('encoder.conv_in.weight')?.[1] ?? 3, out_channels: shapes.get('decoder.conv_out.weight')?.[0] ?? 3,
    latent_channels: shapes.get('decoder.conv_in.weight')?.[1] ?? 4, block_out_channels: channels,
    layers_per_block: countWhile((j) => shapes.has(`encoder.down.0.block.${j}.conv1.weight`)),
    down_block_types: channels.map(() => 'DownEncoderBlock2D'), up_block_types: channels.map(() => 'UpDecoderBlock2D'),
    use_quant_conv: shapes.has('quant_conv.weight'), use_post_quant_conv: shapes.has('post_quant_conv.weight'),
    scaling_factor: kind === 'sdxl' ? 0.13025 : 0.18215, ...(kind === 'sdxl' ? { force_upcast: true } : {}),
  };
}

/** CLIP: widths and depth. Released encoders have heads of 64. `projection`: width of text_projection's output. */
function clipConfig(path: string, component: ComponentName, token: number[] | undefined, positions: number[] | undefined, inner: number | undefined, layers: number, projection: number | undefined): ComponentConfig {
  if (!token || !positions || !inner || layers === 0) throw needsConfig(path, component, 'structure');
  const hidden = token[1]!;
  if (hidden % 64 !== 0) throw needsConfig(path, component, 'number of attention heads');
  const first = component === 'text_encoder';
  return {
    architectures: [first ? 'CLIPTextModel' : 'CLIPTextModelWithProjection'], model_type: 'clip_text_model', vocab_size: token[0]!, hidden_size: hidden, intermediate_size: inner,
    num_hidden_layers: layers, num_attention_heads: hidden / 64, max_position_embeddings: positions[0]!, hidden_act: first ? 'quick_gelu' : 'gelu', layer_norm_eps: 1e-5,
    projection_dim: projection ?? hidden, bos_token_id: 0, eos_token_id: 2, pad_token_id: 1, attention_dropout: 0, initializer_factor: 1, initializer_range: 0.02,
  };
}

function inferClipConfig(path: string, shapes: Shapes): ComponentConfig {
  const at = (name: string) => shapes.get(`text_model.${name}`) ?? shapes.get(name);
  return clipConfig(path, 'text_encoder', at('embeddings.token_embedding.weight'), at('embeddings.position_embedding.weight'), at('encoder.layers.0.mlp.fc1.weight')?.[0],
    countWhile((i) => at(`encoder.layers.${i}.mlp.fc1.weight`) !== undefined), undefined);
}

const inferOpenClipConfig = (path: string, shapes: Shapes): ComponentConfig =>
  clipConfig(path, 'text_encoder_2', shapes.get('token_embedding.weight'), shapes.get('positional_embedding'), shapes.get('transformer.resblocks.0.mlp.c_fc.weight')?.[0],
    countWhile((i) => shapes.has(`transformer.resblocks.${i}.mlp.c_fc.weight`)), shapes.get('text_projection')?.[1]);

/** Those of `wanted` whose config is not in `given`. Throws model.needs_config. */
export function inferConfigs(kind: ModelKind, path: string, tensors: ReadonlyMap<string, { shape: number[] }>, given: ModelConfigs, wanted: ComponentName[]): ModelConfigs {
  const under = (component: ComponentName): Shapes => {
    const prefix = originalPrefixes[kind][component]!;
    return new Map([...tensors].filter(([k]) => k.startsWith(prefix)).map(([k, t]) => [k.slice(prefix.length), t.shape]));
  };
  const infer: Record<ComponentName, () => ComponentConfig> = {
    unet: () => inferUnetConfig(kind, path, under('unet'), tensors.get('conditioner.embedders.1.model.text_projection')?.shape[1] ?? 1280),
    vae: () => inferVaeConfig(kind, path, under('vae')),
    text_encoder: () => inferClipConfig(path, under('text_encoder')),
    text_encoder_2: () => inferOpenClipConfig(path, under('text_encoder_2')),
  };
  return Object.fromEntries(wanted.map((c) => [c, given[c] ?? infer[c]()]));
}
