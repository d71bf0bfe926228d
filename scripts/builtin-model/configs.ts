/** The built-in model's shape: SDXL's architecture, small. Every file is a component's config.json as diffusers reads it. */

export const imageSize = 64;

export const vaeConfig = {
  _class_name: 'AutoencoderKL', act_fn: 'silu', block_out_channels: [24, 48, 72, 96],
  down_block_types: Array(4).fill('DownEncoderBlock2D'), up_block_types: Array(4).fill('UpDecoderBlock2D'),
  in_channels: 3, out_channels: 3, latent_channels: 4, layers_per_block: 1, norm_num_groups: 8, sample_size: imageSize,
  force_upcast: false, use_quant_conv: true, use_post_quant_conv: true, mid_block_add_attention: true,
};

export const textWidth = 64;
export const pooledWidth = 64;

/** Two CLIP text encoders, as SDXL has: cross-attention sees both penultimate states side by side, the second gives the pooled vector. */
export function textEncoderConfig(second: boolean, vocabSize: number): Record<string, unknown> {
  return {
    architectures: [second ? 'CLIPTextModelWithProjection' : 'CLIPTextModel'], model_type: 'clip_text_model',
    hidden_size: textWidth, intermediate_size: 4 * textWidth, num_hidden_layers: 3, num_attention_heads: 4, max_position_embeddings: 77,
    hidden_act: second ? 'gelu' : 'quick_gelu', projection_dim: pooledWidth, layer_norm_eps: 1e-5, vocab_size: vocabSize,
    bos_token_id: vocabSize - 2, eos_token_id: vocabSize - 1, pad_token_id: vocabSize - 1,
  };
}

const timeIdWidth = 32;
export const unetConfig = {
  _class_name: 'UNet2DConditionModel', act_fn: 'silu', sample_size: imageSize / 8, in_channels: 4, out_channels: 4,
  block_out_channels: [64, 128], layers_per_block: 2, norm_num_groups: 16, norm_eps: 1e-5,
  down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'], up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'],
  mid_block_type: 'UNetMidBlock2DCrossAttn', transformer_layers_per_block: [1, 1], attention_head_dim: [2, 4],
  cross_attention_dim: 2 * textWidth, use_linear_projection: true, addition_embed_type: 'text_time', addition_time_embed_dim: timeIdWidth,
  projection_class_embeddings_input_dim: 6 * timeIdWidth + pooledWidth, flip_sin_to_cos: true, freq_shift: 0,
  center_input_sample: false, downsample_padding: 1, mid_block_scale_factor: 1, resnet_time_scale_shift: 'default', conv_in_kernel: 3, conv_out_kernel: 3,
};

export const schedulerConfig = {
  _class_name: 'EulerDiscreteScheduler', beta_schedule: 'scaled_linear', beta_start: 0.00085, beta_end: 0.012, num_train_timesteps: 1000,
  prediction_type: 'epsilon', timestep_spacing: 'leading', steps_offset: 1, interpolation_type: 'linear', use_karras_sigmas: false,
};
