/**
 * How much memory a run will need, from the model's shapes. A formula: what is kept per layer is counted from the
 * architecture; a dry run measures it.
 */
import type { RunConfig } from '../contract/runConfig.ts';
import type { Estimate } from '../contract/runs.ts';
import type { Model } from '../contract/models.ts';
import type { ModelSource } from '../engine/checkpoint/modelSource.ts';
import { memoryLimit } from '../runtime/doctor.ts';
import { withModel } from './modelInspector.ts';

type Config = Record<string, unknown>;
interface Shapes { unet: Config; vae: Config; parameters: Record<string, number>; /** weights of layers that a LoRA changes, as [in, out] */ lora: [number, number][] }

/**
 * Calibrated on measured peaks: a 7 M UNet's LoRA with LPL at 64 px (999 MB), a 33 M UNet's full training at 256 px (1.9 GB) and SDXL's
 * LoRA with LPL at 512 px (13 GB), all on a CPU. Beside the activations lie the buffers that convolutions and casts work in.
 */
const WORKING = 1.3, RUNTIME_MB = 850;
const bytesOf = { fp32: 4, bf16: 2, fp16: 2 } as const;
const numbers = (value: unknown, fallback: number[]): number[] => (Array.isArray(value) ? value.map(Number) : value === undefined || value === null ? fallback : fallback.map(() => Number(value)));

/** Numbers kept for the backward pass per picture: resnets keep about 8 maps of their size, transformer layers 24 token rows and their attention. */
export function unetActivations(unet: Config, side: number): number {
  const channels = numbers(unet['block_out_channels'], [320, 640, 1280]);
  const layers = Number(unet['layers_per_block'] ?? 2);
  const depth = numbers(unet['transformer_layers_per_block'], channels.map(() => 1));
  const types = unet['down_block_types'] as string[] | undefined ?? [];
  const heads = numbers(unet['attention_head_dim'], channels.map(() => 8)); // SDXL's field holds the number of heads
  let total = 0;
  channels.forEach((c, i) => {
    const tokens = (side / 2 ** i) ** 2;
    const attends = types[i]?.includes('CrossAttn') ?? true;
    const transformer = attends ? depth[i]! * (24 * tokens * c + 2 * heads[i]! * tokens * (tokens + 77)) : 0;
    // down: `layers`, up: `layers` + 1 blocks, the up ones with the skip beside them
    total += (2 * layers + 1) * (8 * tokens * c + transformer) + (layers + 1) * 2 * tokens * c;
  });
  return total;
}

/** Numbers kept in the VAE's decoder per picture, gradients flowing through: three resnets a block at growing sizes. */
export function decoderActivations(vae: Config, side: number): number {
  const channels = numbers(vae['block_out_channels'], [128, 256, 512, 512]).toReversed();
  return channels.reduce((sum, c, i) => sum + 3 * 8 * c * (side * 2 ** i) ** 2, 0);
}

async function shapesOf(path: string, targets: RunConfig['method']['targets']): Promise<Shapes> {
  return withModel(path, (model: ModelSource) => {
    const parameters = Object.fromEntries(model.components.map((name) => [name, [...model.weights(name).values()].reduce((n, w) => n + w.shape.reduce((a, b) => a * b, 1), 0)]));
    const pattern = targets === 'attention' ? /attn\d?\.to_/ : targets === 'attention+ff' ? /attn\d?\.to_|\.ff\./ : /attn\d?\.to_|\.ff\.|resnets\..*conv|proj_/;
    const lora = [...model.weights('unet').values()].filter((w) => w.shape.length >= 2 && w.name.endsWith('.weight') && pattern.test(w.name)).map((w): [number, number] => [w.shape.slice(1).reduce((a, b) => a * b, 1), w.shape[0]!]);
    return { unet: model.config('unet'), vae: model.config('vae'), parameters, lora };
  });
}

/** Memory by part, in MB, against what the machine has. Throws AppError model.* for a model that cannot be read. */
export async function estimateMemory(config: RunConfig, model: Pick<Model, 'path'>): Promise<Estimate> {
  const { method, training, lpl, optimizer, data } = config;
  const shapes = await shapesOf(model.path, method.targets);
  const frozen = bytesOf[training.frozen_precision];
  const full = method.type === 'full';
  const trained = full ? shapes.parameters['unet']! : shapes.lora.reduce((n, [i, o]) => n + method.rank * (i + o), 0);
  const scale = 2 ** (numbers(shapes.vae['block_out_channels'], [1, 1, 1, 1]).length - 1);
  const side = data.resolution / scale;
  const compute = bytesOf[training.precision];
  const state = optimizer.optimizer === 'adamw' ? 8 : optimizer.optimizer === 'adamw8bit' ? 2.1 : 0.1;
  const mb = (bytes: number): number => Math.round(bytes / 1e6);
  const parts = [
    { name: 'UNet weights', mb: mb(shapes.parameters['unet']! * (full ? 4 : frozen)) },
    { name: 'VAE and text encoders', mb: mb(((shapes.parameters['vae'] ?? 0) + (shapes.parameters['text_encoder'] ?? 0) + (shapes.parameters['text_encoder_2'] ?? 0)) * frozen) },
    { name: full ? 'Gradients and optimizer' : 'LoRA, gradients and optimizer', mb: mb(trained * (4 + state + 4 + (training.use_ema ? 4 : 0))) },
    { name: 'Activations of the UNet', mb: mb(WORKING * unetActivations(shapes.unet, side) * compute * training.train_batch_size * (training.gradient_checkpointing ? 0.15 : 1)) },
    ...(lpl.enabled ? [{ name: 'Activations of the decoder (LPL)', mb: mb(WORKING * decoderActivations(shapes.vae, side) * compute * training.train_batch_size * (lpl.lpl_gradient_checkpointing ? 0.35 : 1)) }] : []),
    { name: 'TensorFlow and the app', mb: RUNTIME_MB },
  ];
  const memory_mb = parts.reduce((n, p) => n + p.mb, 0);
  const memory_available_mb = mb(memoryLimit().free);
  return {
    source: 'formula', memory_parts: parts, memory_mb, memory_available_mb, seconds_per_step: null, total_seconds: null, time_parts: [], fits: memory_mb <= memory_available_mb,
    notes: ['Counted from the model\'s shapes, usually within a third. "Measure" runs a few steps and gives memory and time.'],
  };
}
