/** Fields of the run configuration: base model, data, what is trained, LPL, diffusion loss. */
import { z } from 'zod';
import { field } from './field.ts';

export const modelFields = {
  base: field(z.string().default(''), { title: 'Base model', simple: true, alias: 'pretrained_model_name_or_path', description: 'The model to start from: a diffusers folder or a single .safetensors file.' }),
  vae: field(z.string().nullable().default(null), { title: 'Other VAE', alias: 'pretrained_vae_model_name_or_path', description: 'A VAE to use instead of the model\'s own, as a folder or file.' }),
  lora: field(z.string().nullable().default(null), { title: 'Continue from LoRA', alias: 'network_weights', description: 'A LoRA file whose weights training starts from.' }),
};

export const dataFields = {
  dataset: field(z.string().default(''), { title: 'Data set', simple: true, description: 'A curated data set, or a folder of images with captions.' }),
  resolution: field(z.int().min(64).max(4096).multipleOf(8).default(1024), { title: 'Resolution', simple: true, unit: 'px', description: 'Side of the square whose area every picture is scaled to.', advice: 'The size the base model was made for: 1024 for SDXL, 512 for SD 1.5.' }),
  buckets: field(z.boolean().default(true), { title: 'Aspect buckets', alias: 'enable_bucket', description: 'Keep each picture\'s shape, in steps, instead of cropping all to a square.' }),
  bucket_step: field(z.int().min(8).max(256).multipleOf(8).default(64), { title: 'Bucket step', unit: 'px', alias: 'bucket_reso_steps', description: 'Widths and heights of buckets are multiples of this.' }),
  min_bucket_side: field(z.int().min(8).max(4096).default(256), { title: 'Shortest bucket side', unit: 'px', alias: 'min_bucket_reso', description: 'No bucket side is shorter.' }),
  max_bucket_side: field(z.int().min(64).max(8192).default(2048), { title: 'Longest bucket side', unit: 'px', alias: 'max_bucket_reso', description: 'No bucket side is longer.' }),
  upscale: field(z.boolean().default(false), { title: 'Enlarge small pictures', description: 'Off: pictures smaller than their bucket are left out, with the reason shown.', advice: 'Off. Enlarged pictures teach the model to blur.' }),
  crop: field(z.enum(['center', 'random']).default('center'), { title: 'Crop', alias: 'center_crop', description: 'Where the bucket is cut from the picture; SDXL is told the offset.' }),
  random_flip: field(z.boolean().default(false), { title: 'Random flip', alias: 'random_flip', description: 'Mirror half of the samples.', advice: 'Off where left and right matter: text, faces, asymmetric objects.' }),
  proportion_empty_prompts: field(z.number().min(0).max(1).default(0), { title: 'Empty captions', description: 'Share of samples trained without their caption.', advice: '0.1 keeps classifier-free guidance strong in long trainings.' }),
  cache_latents: field(z.boolean().default(true), { title: 'Cache latents', alias: 'cache_latents_to_disk', description: 'Encode every picture once and keep mean and log-variance on disk.' }),
  latents: field(z.enum(['sample', 'mean']).default('sample'), { title: 'Latents', description: 'Draw a new latent from the VAE\'s posterior in every step, or always take its mean.', advice: 'sample, as diffusers does; mean lets LPL keep its target features, which saves a third of its time.' }),
  prior_dataset: field(z.string().nullable().default(null), { title: 'Prior-preservation set', alias: 'class_data_dir', description: 'Pictures of the general class, mixed in so that the model does not forget it.' }),
  prior_loss_weight: field(z.number().min(0).max(10).default(1), { title: 'Prior loss weight', description: 'Weight of the prior set\'s loss.' }),
};

export const methodFields = {
  type: field(z.enum(['lora', 'full']).default('lora'), { title: 'Train', simple: true, choiceTitles: { lora: 'LoRA', full: 'Full' }, description: 'A LoRA (a small file of low-rank changes) or all weights of the UNet.' }),
  rank: field(z.int().min(1).max(512).default(16), { title: 'LoRA rank', alias: 'network_dim', description: 'Size of the low-rank changes.', advice: '8–32 for a style or a subject.', when: { 'method.type': ['lora'] } }),
  alpha: field(z.number().min(0).max(1024).default(16), { title: 'LoRA alpha', alias: 'network_alpha', description: 'Changes are scaled by alpha / rank.', advice: 'Equal to the rank, or half of it.', when: { 'method.type': ['lora'] } }),
  dropout: field(z.number().min(0).max(0.95).default(0), { title: 'LoRA dropout', alias: 'network_dropout', description: 'Share of a LoRA layer\'s inputs set to zero in training.', when: { 'method.type': ['lora'] } }),
  targets: field(z.enum(['attention', 'attention+ff', 'attention+ff+conv', 'pattern']).default('attention'), { title: 'LoRA layers', description: 'Which layers get a low-rank change.', when: { 'method.type': ['lora'] } }),
  target_pattern: field(z.string().default(''), { title: 'Layer pattern', description: 'A regular expression on layer names such as up_blocks.*attn2.to_v.', when: { 'method.targets': ['pattern'] } }),
  train_text_encoder: field(z.boolean().default(false), { title: 'Train text encoders', description: 'LoRA on the text encoders too.', when: { 'method.type': ['lora'] } }),
};

export const lplFields = {
  enabled: field(z.boolean().default(false), { title: 'Latent Perceptual Loss', simple: true, alias: 'use_lpl', description: 'Add a loss between the VAE decoder\'s features of the predicted and the true latent.' }),
  lpl_weight: field(z.number().min(0).max(100).default(1), { title: 'Weight', simple: true, description: 'Multiplies the loss before it is added to the diffusion loss.', advice: '1 to 2 for SDXL; about 50 for the built-in emoji model, whose LPL is far smaller than its diffusion loss.', when: { 'lpl.enabled': [true] } }),
  lpl_t_threshold: field(z.int().min(1).max(1000).default(200), { title: 'Timestep threshold', unit: 'timesteps', description: 'Only samples with a timestep below this take part.', advice: '200; 100 is faster.', when: { 'lpl.enabled': [true] } }),
  lpl_start: field(z.int().min(0).max(10_000_000).default(0), { title: 'Start at step', unit: 'steps', description: 'Optimizer step from which the loss is added.', when: { 'lpl.enabled': [true] } }),
  lpl_loss_type: field(z.enum(['mse', 'l1']).default('mse'), { title: 'Distance', description: 'Squared or absolute difference of features.', when: { 'lpl.enabled': [true] } }),
  lpl_norm_type: field(z.enum(['default', 'shared', 'batch', 'standardize']).default('shared'), { title: 'Normalisation', description: 'How features are scaled before they are compared: each by its own norm, both by the target\'s, not at all (the reference\'s "batch"), or by the target\'s channel mean and deviation.', advice: 'shared.', when: { 'lpl.enabled': [true] } }),
  lpl_pow_law: field(z.boolean().default(true), { title: 'Power law', description: 'Weigh deeper blocks less: 1, 1/2, 1/4, 1/8, 1/8.', when: { 'lpl.enabled': [true] } }),
  lpl_num_blocks: field(z.int().min(0).max(4).default(4), { title: 'Decoder blocks', description: 'Up blocks compared besides the mid block; fewer is faster.', advice: '4.', when: { 'lpl.enabled': [true] } }),
  lpl_remove_outliers: field(z.boolean().default(true), { title: 'Remove outliers', description: 'Leave out extreme feature values of the deep blocks.', when: { 'lpl.enabled': [true] } }),
  lpl_scale: field(z.boolean().default(true), { title: 'Scale by min-SNR', description: 'Multiply each sample\'s loss by its min-SNR weight, when min-SNR gamma is set.', when: { 'lpl.enabled': [true] } }),
  lpl_feature_type: field(z.enum(['feature', 'image']).default('feature'), { title: 'Compare', description: 'Decoder features, or the decoded pictures.', when: { 'lpl.enabled': [true] } }),
  lpl_stratified: field(z.boolean().default(false), { title: 'Stratified timesteps', description: 'Draw timesteps so that a steady share of each batch lies below the threshold; the distribution stays the same.', advice: 'On for small batches: more of their steps train LPL, and evenly.', when: { 'lpl.enabled': [true] } }),
  lpl_gradient_checkpointing: field(z.boolean().default(false), { title: 'Recompute decoder activations', description: 'Less memory, more time.', when: { 'lpl.enabled': [true] } }),
  lpl_cache_mb: field(z.int().min(0).max(1_000_000).default(2048), { title: 'Target features in memory', unit: 'MB', description: 'Keep target features up to this size in memory where latents are the posterior\'s mean and so never change; 0: none.', when: { 'lpl.enabled': [true] } }),
  lpl_cache_disk_mb: field(z.int().min(0).max(10_000_000).default(0), { title: 'Target features on disk', unit: 'MB', description: 'Keep those that memory has no room for, up to this size, in the cache folder, for later runs too; the ones not used for longest go first. 0: none.', advice: '0. Worth it for a slow decoder and a fast disk; one picture takes 70 MB at 128 px with SDXL\'s VAE, 4.5 GB at 1024.', when: { 'lpl.enabled': [true] } }),
};

export const diffusionFields = {
  prediction_type: field(z.enum(['auto', 'epsilon', 'v_prediction', 'sample']).default('auto'), { title: 'Prediction type', description: 'What the model predicts. Auto takes it from the model.' }),
  snr_gamma: field(z.number().min(0.01).max(100).nullable().default(null), { title: 'Min-SNR gamma', description: 'Weigh timesteps by min(SNR, gamma); empty: all alike.', advice: '5 (Hang et al. 2023).' }),
  noise_offset: field(z.number().min(0).max(1).default(0), { title: 'Noise offset', description: 'Adds a constant per channel to the noise, so that very dark and bright pictures can be learnt.', advice: '0, or 0.03–0.1.' }),
  timestep_bias_strategy: field(z.enum(['none', 'earlier', 'later', 'range']).default('none'), { title: 'Timestep bias', description: 'Draw some timesteps more often.' }),
  timestep_bias_multiplier: field(z.number().min(0).max(1000).default(1), { title: 'Bias multiplier', description: 'How much more often.' }),
  timestep_bias_portion: field(z.number().min(0).max(1).default(0.25), { title: 'Bias portion', description: 'Share of the timesteps that is biased, for earlier and later.' }),
  timestep_bias_begin: field(z.int().min(0).max(1000).default(0), { title: 'Bias begin', unit: 'timesteps', description: 'First timestep of the range.' }),
  timestep_bias_end: field(z.int().min(0).max(1000).default(1000), { title: 'Bias end', unit: 'timesteps', description: 'Timestep after the range\'s last.' }),
  zero_terminal_snr: field(z.boolean().default(false), { title: 'Zero terminal SNR', alias: 'rescale_betas_zero_snr', description: 'Rescale the noise schedule so that the last timestep is pure noise (Lin et al. 2023).', advice: 'Only with v-prediction.' }),
};
