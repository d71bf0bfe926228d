import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { floatToBytes } from '../../main/engine/checkpoint/dtype.ts';
import { tfjsShape } from '../../main/engine/checkpoint/layout.ts';
import { mergedWeights } from '../../main/engine/checkpoint/lora/applyLora.ts';
import type { LoraDescription } from '../../main/engine/checkpoint/lora/loraMetadata.ts';
import { checkDeltas, deltaNorm, eachLayer, loraDelta, scaleOf, type LoraComponent, type LoraLayer, type LoraWeights } from '../../main/engine/checkpoint/lora/loraWeights.ts';
import { readLora } from '../../main/engine/checkpoint/lora/readLora.ts';
import { writeLora } from '../../main/engine/checkpoint/lora/writeLora.ts';
import type { ModelKind } from '../../main/engine/checkpoint/modelSource.ts';
import { openModel } from '../../main/engine/checkpoint/openModel.ts';
import { SafetensorsFile } from '../../main/engine/checkpoint/safetensors.ts';
import { writeSafetensors } from '../../main/engine/checkpoint/writeSafetensors.ts';
import { deltaDifference } from '../../main/engine/parity/loraFiles.ts';
import { errorOf, tempFolder } from './checkpoints-helpers.ts';
import { tinyConfigs, writeTiny } from './checkpoints-tiny.ts';

let folder: string, made = 0;
beforeAll(async () => { folder = await tempFolder(); });
const newPath = () => join(folder, `l${made++}.safetensors`);
const fixture = (name: string) => new URL(`../fixtures/checkpoints/${name}.safetensors`, import.meta.url).pathname;

let state = 7;
const matrix = (...shape: number[]) => ({ shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => ((state = (state * 1103515245 + 12345) % 2147483648) / 2147483648 - 0.5)) });
const linear = (cin: number, out: number, rank = 3, alpha = 1.5): LoraLayer => ({ down: matrix(cin, rank), up: matrix(rank, out), alpha });
const conv = (k: number, cin: number, out: number, rank = 3, alpha = 1.5): LoraLayer => ({ down: matrix(k, k, cin, rank), up: matrix(1, 1, rank, out), alpha });
const lora = (layers: Partial<Record<LoraComponent, Record<string, LoraLayer>>>): LoraWeights =>
  ({ rank: 3, alpha: 1.5, metadata: {}, layers: new Map(Object.entries(layers).map(([c, own]) => [c as LoraComponent, new Map(Object.entries(own))])) });
const about = (kind: ModelKind): LoraDescription => ({ kind, title: 'Test', resolution: [1024, 1024], date: '2026-11-23T00:00:00Z', training: { learning_rate: 1e-4, seed: 3, gradient_checkpointing: true, unet_lr: null } });

/** Layers of the tiny models of checkpoints-tiny.ts. */
const tiny = (kind: ModelKind) => lora({
  unet: {
    'down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k': linear(kind === 'sdxl' ? 20 : 8, 8), 'down_blocks.1.attentions.0.transformer_blocks.0.ff.net.0.proj': linear(8, 64),
    'down_blocks.1.attentions.0.proj_in': kind === 'sdxl' ? linear(8, 8) : conv(1, 8, 8), 'mid_block.resnets.0.conv1': conv(3, 8, 8), 'up_blocks.0.upsamplers.0.conv': conv(3, 8, 8),
    'down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0': linear(8, 8), 'up_blocks.1.resnets.0.time_emb_proj': linear(16, 4), 'up_blocks.1.resnets.0.conv_shortcut': conv(1, 12, 4),
  },
  text_encoder: { 'text_model.encoder.layers.1.self_attn.q_proj': linear(8, 8), 'text_model.encoder.layers.0.mlp.fc1': linear(8, 16) },
  ...(kind === 'sdxl' ? { text_encoder_2: { 'text_model.encoder.layers.0.self_attn.out_proj': linear(12, 12) } } : {}),
});

describe('reading', () => {
  it('reads diffusers\' file and its kohya conversion to the same deltas', async () => {
    const a = await readLora(fixture('lora-diffusers')), b = await readLora(fixture('lora-kohya'));
    expect([a.rank, a.alpha, b.rank, b.alpha, [...eachLayer(a)].length]).toEqual([4, 4, 4, 4, 3]);
    expect(deltaDifference(a, b)).toBe(0);
    expect(deltaNorm(a.layers.get('unet')!.get('mid_block.attentions.0.transformer_blocks.1.attn2.to_out.0')!)).toBeGreaterThan(0);
  });

  const write = async (names: Record<string, number[]>, metadata: Record<string, string> = {}, value = 0.5) => {
    const path = newPath();
    await writeSafetensors(path, Object.entries(names).map(([name, shape]) => ({ name, dtype: 'F32' as const, shape, bytes: () => floatToBytes(new Float32Array(shape.reduce((x, y) => x * y, 1)).fill(value), 'F32') })), metadata);
    return path;
  };
  const unet = 'down_blocks.1.attentions.0.transformer_blocks.0.attn1';
  const spellings: [string, Record<string, number[]>, LoraComponent, string][] = [
    ['PEFT', { [`unet.${unet}.to_q.lora_A.weight`]: [2, 6], [`unet.${unet}.to_q.lora_B.weight`]: [5, 2] }, 'unet', `${unet}.to_q`],
    ['PEFT with an adapter name and no component', { [`base_model.model.${unet}.to_q.lora_A.default.weight`]: [2, 6], [`base_model.model.${unet}.to_q.lora_B.default.weight`]: [5, 2] }, 'unet', `${unet}.to_q`],
    ['attention processors', { [`unet.${unet}.processor.to_out_lora.down.weight`]: [2, 6], [`unet.${unet}.processor.to_out_lora.up.weight`]: [5, 2] }, 'unet', `${unet}.to_out.0`],
    ['old text encoders', { 'text_encoder.text_model.encoder.layers.0.self_attn.to_q_lora.down.weight': [2, 6], 'text_encoder.text_model.encoder.layers.0.self_attn.to_q_lora.up.weight': [5, 2] }, 'text_encoder', 'text_model.encoder.layers.0.self_attn.q_proj'],
    ['linear layers of old text encoders', { 'text_encoder_2.text_model.encoder.layers.0.mlp.fc1.lora_linear_layer.down.weight': [2, 6], 'text_encoder_2.text_model.encoder.layers.0.mlp.fc1.lora_linear_layer.up.weight': [5, 2] }, 'text_encoder_2', 'text_model.encoder.layers.0.mlp.fc1'],
    ['SDXL\'s input_blocks', { 'lora_unet_input_blocks_4_1_proj_in.lora_down.weight': [2, 6], 'lora_unet_input_blocks_4_1_proj_in.lora_up.weight': [5, 2] }, 'unet', 'down_blocks.1.attentions.0.proj_in'],
    ['SD 1.5\'s text encoder', { 'lora_te_text_model_encoder_layers_3_mlp_fc2.lora_down.weight': [2, 6], 'lora_te_text_model_encoder_layers_3_mlp_fc2.lora_up.weight': [5, 2] }, 'text_encoder', 'text_model.encoder.layers.3.mlp.fc2'],
  ];
  it.each(spellings)('understands %s', async (_, names, component, layer) => {
    const read = await readLora(await write(names)), found = read.layers.get(component)?.get(layer);
    expect([found?.down.shape, found?.up.shape, found?.alpha]).toEqual([[6, 2], [2, 5], 2]);
  });

  it('takes alpha from PEFT\'s metadata, patterns first', async () => {
    const names = { [`unet.${unet}.to_q.lora_A.weight`]: [2, 6], [`unet.${unet}.to_q.lora_B.weight`]: [5, 2], [`unet.${unet}.to_k.lora_A.weight`]: [2, 6], [`unet.${unet}.to_k.lora_B.weight`]: [5, 2] };
    const read = await readLora(await write(names, { lora_adapter_metadata: JSON.stringify({ 'unet.lora_alpha': 8, 'unet.alpha_pattern': { 'attn1.to_k': 1 } }) }));
    expect([read.layers.get('unet')!.get(`${unet}.to_q`)!.alpha, read.layers.get('unet')!.get(`${unet}.to_k`)!.alpha]).toEqual([8, 1]);
  });

  const kohya = 'lora_unet_mid_block_attentions_0_proj_in';
  const broken: [string, Record<string, number[]>, string, RegExp, number?][] = [
    ['a missing up matrix', { [`${kohya}.lora_down.weight`]: [2, 6] }, 'lora.damaged', /no up matrix/],
    ['ranks that differ', { [`${kohya}.lora_down.weight`]: [2, 6], [`${kohya}.lora_up.weight`]: [5, 3] }, 'lora.damaged', /do not fit/],
    ['the same layer twice', { [`${kohya}.lora_down.weight`]: [2, 6], 'unet.mid_block.attentions.0.proj_in.lora_A.weight': [2, 6] }, 'lora.damaged', /twice/],
    ['LoKr', { [`${kohya}.lokr_w1`]: [2, 6] }, 'lora.not_supported', /LoKr/],
    ['DoRA', { [`${kohya}.dora_scale`]: [2] }, 'lora.not_supported', /DoRA/],
    ['a Flux LoRA', { 'lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight': [2, 6], 'transformer.single_transformer_blocks.0.proj_mlp.lora_A.weight': [2, 6] }, 'lora.unknown_layers', /single_transformer_blocks/],
    ['NaN', { [`${kohya}.lora_down.weight`]: [2, 6], [`${kohya}.lora_up.weight`]: [5, 2] }, 'lora.not_finite', /not numbers/, NaN],
  ];
  it.each(broken)('refuses %s', async (_, names, code, message, value) => {
    const error = await errorOf(readLora(await write(names, {}, value)));
    expect(error.message).toMatch(message);
    expect(error.code).toBe(code);
  });
});

describe.each(['sdxl', 'sd15'] as const)('writing for %s', (kind) => {
  it.each(['kohya', 'kohya-diffusers', 'diffusers'] as const)('%s reads back to the same deltas, alpha and rank', async (form) => {
    const own = tiny(kind), path = newPath(), unetConfig = tinyConfigs[kind].unet!;
    await writeLora(path, own, { form, dtype: 'F32', description: about(kind), unetConfig });
    const read = await readLora(path, unetConfig);
    expect(deltaDifference(own, read)).toBeLessThan(1e-6);
    expect([read.rank, read.alpha]).toEqual([3, 1.5]);
    for (const [, name, layer] of eachLayer(read)) expect(layer.down.shape.length, name).toBe(/conv|(sd15.*proj_in)/.test(kind + name) ? 4 : 2);
  });

  it('names layers as the form\'s readers do', async () => {
    const names = async (form: 'kohya' | 'kohya-diffusers' | 'diffusers') => {
      const path = newPath();
      await writeLora(path, tiny(kind), { form, dtype: 'F16', description: about(kind), unetConfig: tinyConfigs[kind].unet });
      const file = await SafetensorsFile.open(path);
      await file.close();
      return [...file.tensors.keys()];
    };
    const original = kind === 'sdxl' ? 'lora_unet_input_blocks_3_1_transformer_blocks_0_attn2_to_k' : 'lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k';
    expect(await names('kohya')).toEqual(expect.arrayContaining([`${original}.lora_down.weight`, `${original}.alpha`, `lora_te${kind === 'sdxl' ? '1' : ''}_text_model_encoder_layers_1_self_attn_q_proj.lora_up.weight`]));
    expect(await names('kohya-diffusers')).toContain('lora_unet_mid_block_resnets_0_conv1.lora_up.weight');
    expect(await names('diffusers')).toContain('text_encoder.text_model.encoder.layers.0.mlp.fc1.lora_A.weight');
  });

  it('merges into the base as W + strength · alpha/rank · down · up, for linear maps and convolutions', async () => {
    const model = join(await tempFolder(), 'm'), own = tiny(kind);
    await writeTiny(model, kind);
    const source = await openModel(model), merged = mergedWeights(source, own, 0.5);
    for (const [component, name, layer] of eachLayer(own)) {
      const base = await source.read(component, `${name}.weight`), got = (await merged(component, `${name}.weight`))!, [r, out] = [3, base.shape.at(-1)!];
      expect(tfjsShape(name, source.weights(component).get(`${name}.weight`)!.shape)).toEqual(base.shape);
      for (const at of [0, 5, base.data.length - 1]) {
        let sum = 0;
        for (let k = 0; k < r; k++) sum += layer.down.data[Math.floor(at / out) * r + k]! * layer.up.data[k * out + (at % out)]!;
        expect(got[at]).toBeCloseTo(base.data[at]! + 0.5 * 0.5 * sum, 4);
      }
    }
    expect(await merged('unet', 'conv_in.weight')).toBeUndefined();
    const other = lora({ unet: { 'down_blocks.1.attentions.0.proj_in': linear(9, 9), 'nowhere.conv': conv(3, 4, 4) } });
    await expect(Promise.resolve().then(() => mergedWeights(source, other))).rejects.toMatchObject({ code: 'lora.wrong_base', details: { layers: ['unet/down_blocks.1.attentions.0.proj_in', 'unet/nowhere.conv'] } });
    await source.close();
  });
});

describe('what is written', () => {
  it('carries kohya\'s and ModelSpec\'s metadata with the hash of its data', async () => {
    const path = newPath(), written = await writeLora(path, tiny('sdxl'), { form: 'kohya', dtype: 'F16', description: about('sdxl'), unetConfig: tinyConfigs.sdxl.unet });
    const bytes = await readFile(path), file = await SafetensorsFile.open(path), hash = createHash('sha256').update(bytes.subarray(file.dataBegin)).digest('hex');
    await file.close();
    expect(file.metadata).toMatchObject({
      ss_network_module: 'networks.lora', ss_network_dim: '3', ss_network_alpha: '1.5', ss_learning_rate: '0.0001', ss_gradient_checkpointing: 'True', ss_unet_lr: 'None', ss_base_model_version: 'sdxl_base_v1-0',
      'modelspec.architecture': 'stable-diffusion-xl-v1-base/lora', 'modelspec.resolution': '1024x1024', 'modelspec.title': 'Test', sshs_model_hash: hash, 'modelspec.hash_sha256': `0x${hash}`,
    });
    expect([written.dataSha256, file.metadata['sshs_legacy_hash']]).toEqual([hash, createHash('sha256').digest('hex').slice(0, 8)]); // shorter than 1 MiB: nothing to hash
  });

  it('is refused when it would change nothing or is not finite', async () => {
    const options = { form: 'kohya' as const, dtype: 'F32' as const, description: about('sdxl') };
    const zero = linear(4, 4), broken = linear(4, 4), path = newPath();
    zero.up.data.fill(0);
    broken.down.data[3] = Infinity;
    expect((await errorOf(writeLora(path, lora({ unet: { 'mid_block.attentions.0.proj_in': zero } }), options))).code).toBe('lora.all_zero');
    expect((await errorOf(writeLora(path, lora({ unet: { 'mid_block.attentions.0.proj_in': broken } }), options))).code).toBe('lora.not_finite');
    expect((await errorOf(readLora(path))).code).toBe('file.not_found');
    const huge = linear(4, 4);
    huge.up.data.fill(1e6);
    expect((await errorOf(writeLora(path, lora({ unet: { 'mid_block.attentions.0.proj_in': huge } }), { ...options, dtype: 'F16' }))).code).toBe('lora.not_finite');
    expect((await errorOf(readLora(path))).code).toBe('file.not_found'); // what does not read back never takes its place
  });

  it('has norms that are those of the product', () => {
    const layer = conv(3, 4, 5), norm = Math.hypot(...loraDelta(layer, scaleOf(layer)));
    expect(deltaNorm(layer)).toBeCloseTo(norm, 6);
    expect(checkDeltas(lora({ unet: { 'mid_block.resnets.0.conv1': layer } }), 'it')).toBeCloseTo(norm, 6);
  });
});
