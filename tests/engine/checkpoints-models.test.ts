import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AppError } from '../../main/contract/errors.ts';
import { floatToBytes, halfToFloat } from '../../main/engine/checkpoint/dtype.ts';
import { expectedShapes } from '../../main/engine/checkpoint/expectedShapes.ts';
import { numberingIn, originalLayout } from '../../main/engine/checkpoint/keyMapping/original.ts';
import { tfjsShape, toTfjsLayout } from '../../main/engine/checkpoint/layout.ts';
import type { ModelSource } from '../../main/engine/checkpoint/modelSource.ts';
import { openModel, type OpenOptions } from '../../main/engine/checkpoint/openModel.ts';
import { SafetensorsFile } from '../../main/engine/checkpoint/safetensors.ts';
import { chooseWeightFile } from '../../main/engine/checkpoint/weightFiles.ts';
import { writeFolder, writeSingleFile } from '../../main/engine/checkpoint/writeModel.ts';
import { writeSafetensors } from '../../main/engine/checkpoint/writeSafetensors.ts';
import { errorOf, tempFolder } from './checkpoints-helpers.ts';
import { randomWeights, tinyConfigs, weightFile, writeTensors, writeTiny, writeTokenizers, type Tensors } from './checkpoints-tiny.ts';

const noBuiltin = async (folder: string, pad: string) => writeFile(join(folder, 'builtin.json'), JSON.stringify({ pad }));

async function expectSame(source: ModelSource, expected: Map<string, Tensors>): Promise<void> {
  expect([...source.components].sort()).toEqual([...expected.keys()].sort());
  const different: string[] = [];
  for (const component of source.components) {
    const tensors = expected.get(component)!;
    expect([...source.weights(component).keys()].sort()).toEqual([...tensors.keys()].sort());
    for (const [name, { shape, data }] of tensors) {
      const read = await source.read(component, name), values = toTfjsLayout(name, shape, data);
      if (`${read.shape}` !== `${tfjsShape(name, shape)}` || read.data.length !== values.length || values.some((v, i) => v !== read.data[i])) different.push(`${component}/${name}`);
    }
  }
  expect(different).toEqual([]);
}

async function opened(path: string, options: OpenOptions, use: (source: ModelSource) => Promise<void>): Promise<void> {
  const source = await openModel(path, options);
  await use(source).finally(() => source.close());
}

describe.each(['sdxl', 'sd15'] as const)('%s models', (kind) => {
  it.each(['F32', 'F16', 'BF16'] as const)('are the same from folder and single file, both ways, in %s', async (dtype) => {
    const dir = await tempFolder(), folder = join(dir, 'model'), file = join(dir, 'one.safetensors'), again = join(dir, 'again');
    const weights = await writeTiny(folder, kind, dtype);
    await opened(folder, {}, async (source) => {
      expect(source.kind).toBe(kind);
      await expectSame(source, weights);
      await writeSingleFile(file, source);
      await writeTokenizers(join(dir, 'one'));
      await opened(file, {}, async (single) => {
        expect(single.kind).toBe(kind);
        await expectSame(single, weights);
        for (const c of source.components) expect(await single.hash(c)).toBe(await source.hash(c));
        await writeFolder(again, single, noBuiltin);
      });
    });
    await opened(again, {}, async (source) => {
      await expectSame(source, weights);
      expect(source.weights('unet').get('conv_in.weight')!.dtype).toBe(dtype);
      expect(source.scheduler['beta_schedule']).toBe('scaled_linear');
    });
    expect(await readFile(join(again, 'text_encoder', 'config.json'), 'utf8')).toContain('"initializer_factor": 1.0');
  });

  it('writes trained weights in place of the model\'s own, in both layouts and in half precision', async () => {
    const dir = await tempFolder(), weights = await writeTiny(join(dir, 'm'), kind);
    const names = ['conv_in.weight', 'down_blocks.1.attentions.0.proj_in.weight'];
    const options = { dtype: 'F16' as const, override: (c: string, name: string) => c === 'unet' && names.includes(name) ? toTfjsLayout(name, weights.get('unet')!.get(name)!.shape, weights.get('unet')!.get(name)!.data.map((v) => v + 1)) : undefined };
    await opened(join(dir, 'm'), {}, async (source) => {
      await writeSingleFile(join(dir, 'x.safetensors'), source, options);
      await writeFolder(join(dir, 'x'), source, noBuiltin, options); // its tokenizers serve the single file beside it too
    });
    for (const name of names) weights.get('unet')!.set(name, { ...weights.get('unet')!.get(name)!, data: weights.get('unet')!.get(name)!.data.map((v) => v + 1) });
    for (const path of ['x.safetensors', 'x']) await opened(join(dir, path), {}, async (source) => {
      await expectSame(source, weights);
      expect(source.weights('vae').get('quant_conv.bias')!.dtype).toBe('F16');
    });
  });
});

it('lays single files out as the original code does: query, key and value fused in this order, text_projection transposed, 1×1 convolutions in the VAE', async () => {
  const dir = await tempFolder(), weights = await writeTiny(join(dir, 'm'), 'sdxl'), clip = weights.get('text_encoder_2')!;
  await opened(join(dir, 'm'), {}, (source) => writeSingleFile(join(dir, 'one.safetensors'), source).then(() => undefined));
  const file = await SafetensorsFile.open(join(dir, 'one.safetensors')), layer = 'text_model.encoder.layers.1.self_attn';
  for (const kind of ['weight', 'bias']) {
    const fused = await file.readFloat(`conditioner.embedders.1.model.transformer.resblocks.1.attn.in_proj_${kind}`);
    expect([...fused]).toEqual(['q', 'k', 'v'].flatMap((c) => [...clip.get(`${layer}.${c}_proj.${kind}`)!.data]));
  }
  const projection = clip.get('text_projection.weight')!, stored = await file.readFloat('conditioner.embedders.1.model.text_projection');
  expect([projection.shape, file.info('conditioner.embedders.1.model.text_projection').shape]).toEqual([[8, 12], [12, 8]]);
  for (const [out, cin] of [[0, 5], [7, 0], [3, 11]] as const) expect(stored[cin * 8 + out]).toBe(projection.data[out * 12 + cin]);
  expect(file.info('first_stage_model.decoder.mid.attn_1.q.weight').shape).toEqual([8, 8, 1, 1]);
  await file.close();
});

describe('folders', () => {
  let folder: string, weights: Map<string, Tensors>;
  const unetPath = (name = weightFile('unet')) => join(folder, 'unet', name);
  beforeEach(async () => { folder = join(await tempFolder(), 'm'); weights = await writeTiny(folder, 'sdxl'); });

  it('are read from shards named by an index', async () => {
    const all = [...weights.get('unet')!], half = all.length >> 1, map: Record<string, string> = {};
    for (const [i, part] of [all.slice(0, half), all.slice(half)].entries()) {
      const shard = `diffusion_pytorch_model-0000${i + 1}-of-00002.safetensors`;
      await writeTensors(unetPath(shard), new Map(part));
      for (const [name] of part) map[name] = shard;
    }
    await rm(unetPath());
    const index = unetPath('diffusion_pytorch_model.safetensors.index.json');
    await writeFile(index, JSON.stringify({ metadata: {}, weight_map: map }));
    await opened(folder, {}, (source) => expectSame(source, weights));
    await writeFile(index, JSON.stringify({ weight_map: { ...map, 'conv_in.bias': '../../etc/x.safetensors' } }));
    expect((await errorOf(openModel(folder))).code).toBe('model.bad_config');
    await writeFile(index, JSON.stringify({ weight_map: { ...map, more: Object.values(map)[0] } }));
    expect((await errorOf(openModel(folder))).code).toBe('model.missing_tensor');
  });

  it('take the variant that is asked for, and what is there otherwise', async () => {
    expect(chooseWeightFile('unet', ['diffusion_pytorch_model.fp16.safetensors', 'diffusion_pytorch_model.safetensors'])).toBe('diffusion_pytorch_model.safetensors');
    expect(chooseWeightFile('unet', ['diffusion_pytorch_model.fp16.safetensors', 'diffusion_pytorch_model.safetensors'], 'fp16')).toBe('diffusion_pytorch_model.fp16.safetensors');
    expect(chooseWeightFile('text_encoder', ['model.fp16.safetensors', 'pytorch_model.bin'])).toBe('model.fp16.safetensors');
    expect(chooseWeightFile('unet', ['diffusion_pytorch_model.safetensors.index.fp16.json', 'diffusion_pytorch_model.fp16-00001-of-00002.safetensors'], 'fp16')).toBe('diffusion_pytorch_model.safetensors.index.fp16.json');
    await rename(unetPath(), unetPath('diffusion_pytorch_model.fp16.safetensors'));
    await opened(folder, {}, (source) => expectSame(source, weights));
  });

  it('are read with the VAE attention names and shapes of old diffusers, and without "text_model."', async () => {
    const old: Tensors = new Map(), names: Record<string, string> = { to_q: 'query', to_k: 'key', to_v: 'value', 'to_out.0': 'proj_attn' };
    for (const [name, t] of weights.get('vae')!) {
      const key = name.replace(/(attentions\.0\.)(to_[qkv]|to_out\.0)\./, (_, a: string, b: string) => `${a}${names[b]}.`);
      old.set(key, key !== name && t.shape.length === 2 ? { ...t, shape: [...t.shape, 1, 1] } : t);
    }
    await writeTensors(join(folder, 'vae', weightFile('vae')), old);
    const bare: Tensors = new Map([...weights.get('text_encoder')!].map(([n, t]) => [n.replace(/^text_model\./, ''), t]));
    bare.set('embeddings.position_ids', { shape: [1, 2], data: Float32Array.of(0, 1) });
    await writeTensors(join(folder, 'text_encoder', weightFile('text_encoder')), bare);
    await opened(folder, {}, (source) => expectSame(source, weights));
  });

  it('give half bits without a detour, in tfjs layout', async () => {
    await writeTensors(unetPath(), weights.get('unet')!, 'F16');
    await opened(folder, {}, async (source) => {
      const name = 'down_blocks.0.resnets.0.conv1.weight', { data } = await source.read('unet', name);
      expect([...halfToFloat((await source.readHalf('unet', name, 'F16')).data, 'F16')]).toEqual([...data]);
      expect([...halfToFloat((await source.readHalf('unet', name, 'BF16')).data, 'BF16')]).toEqual([...data]);
    });
  });

  it('can be used with another VAE: folder, model around it, original single file', async () => {
    const other = randomWeights('vae', tinyConfigs.sdxl.vae!, 99), dir = await tempFolder(), expected = new Map(weights).set('vae', other);
    await mkdir(join(dir, 'vae'));
    await writeFile(join(dir, 'vae', 'config.json'), JSON.stringify(tinyConfigs.sdxl.vae));
    await writeTensors(join(dir, 'vae', weightFile('vae')), other);
    for (const path of [dir, join(dir, 'vae')]) await opened(folder, { vae: path }, (source) => expectSame(source, expected));
    await rename(join(folder, 'vae'), join(folder, 'elsewhere')); // its own is not needed then
    await opened(folder, { vae: dir }, (source) => expectSame(source, expected));
    expect((await errorOf(openModel(folder, { vae: join(dir, 'vae', weightFile('vae')) }))).code).toBe('model.not_a_vae');
  });

  const broken: [string, string, RegExp, () => Promise<unknown>][] = [
    ['a missing weight', 'model.missing_tensors', /the UNet lacks a weight: conv_in\.bias/, async () => { weights.get('unet')!.delete('conv_in.bias'); await writeTensors(unetPath(), weights.get('unet')!); }],
    ['an extra weight', 'model.extra_tensors', /surplus\.bias/, async () => { weights.get('unet')!.set('surplus.bias', { shape: [1], data: Float32Array.of(1) }); await writeTensors(unetPath(), weights.get('unet')!); }],
    ['a misshapen weight', 'model.misshapen_tensors', /conv_in\.bias is \[2\] instead of \[4\]/, async () => { weights.get('unet')!.set('conv_in.bias', { shape: [2], data: Float32Array.of(1, 2) }); await writeTensors(unetPath(), weights.get('unet')!); }],
    ['a weight of whole numbers', 'model.wrong_dtype', /conv_in\.bias is I32/, () => writeSafetensors(unetPath(), [...weights.get('unet')!].map(([name, { shape, data }]) => (
      name === 'conv_in.bias' ? { name, dtype: 'I32', shape, bytes: () => new Uint8Array(Int32Array.from(data).buffer) } : { name, dtype: 'F32', shape, bytes: () => floatToBytes(data, 'F32') })))],
    ['only pickles', 'model.pickle_refused', /diffusion_pytorch_model\.bin/, async () => { await rm(unetPath()); await writeFile(unetPath('diffusion_pytorch_model.bin'), 'x'); }],
    ['no weights', 'model.missing_file', /diffusion_pytorch_model\.safetensors/, () => rm(unetPath())],
    ['no VAE', 'model.missing_component', /not a complete model: it has no vae \(there is no vae\/config\.json/, () => rm(join(folder, 'vae'), { recursive: true })],
    ['no UNet and no text encoder', 'model.missing_component', /it has no unet and no text_encoder \(/, async () => { for (const c of ['unet', 'text_encoder']) await rm(join(folder, c), { recursive: true }); }],
    ['Flux, which has no UNet', 'model.not_supported', /FluxPipeline is not supported yet/, async () => { await rm(join(folder, 'unet'), { recursive: true }); await writeFile(join(folder, 'model_index.json'), '{"_class_name":"FluxPipeline"}'); }],
    ['a broken config.json', 'model.bad_config', /not valid JSON/, () => writeFile(join(folder, 'vae', 'config.json'), '{')],
    ['no model_index.json', 'model.not_a_model_folder', /model_index/, () => rm(join(folder, 'model_index.json'))],
    ['no tokenizer for a vocabulary of its own', 'model.needs_tokenizer', /no tokenizer_2 with it/, () => rm(join(folder, 'tokenizer_2'), { recursive: true })],
    ['Stable Diffusion 3', 'model.not_supported', /StableDiffusion3Pipeline is not supported yet/, () => writeFile(join(folder, 'model_index.json'), '{"_class_name":"StableDiffusion3Pipeline"}')],
    ['the SDXL refiner', 'model.not_supported', /refiner/, () => writeFile(join(folder, 'model_index.json'), '{"_class_name":"StableDiffusionXLImg2ImgPipeline","text_encoder":[null,null]}')],
    ['another network class', 'model.unsupported', /m, UNet: .*SD3Transformer2DModel/, () => writeFile(join(folder, 'unet', 'config.json'), JSON.stringify({ ...tinyConfigs.sdxl.unet, _class_name: 'SD3Transformer2DModel' }))],
  ];
  it.each(broken)('say what is wrong: %s', async (_, code, message, damage) => {
    await damage();
    const error = await errorOf(openModel(folder));
    expect(error.message).toMatch(message);
    expect(error.code).toBe(code);
  });

  it.each([[NaN, 'NaN, which is not a number'], [-Infinity, 'an infinite value (-Infinity)']])('name the weight that holds %s when it is read', async (value, said) => {
    weights.get('unet')!.get('conv_in.bias')!.data[2] = value;
    for (const dtype of ['F32', 'F16'] as const) {
      await writeTensors(unetPath(), weights.get('unet')!, dtype);
      await opened(folder, {}, async (source) => {
        for (const read of [source.read('unet', 'conv_in.bias'), source.readHalf('unet', 'conv_in.bias', 'F16')]) {
          const error = await errorOf(read);
          expect([error.code, error.message]).toEqual(['model.nan_weights', expect.stringContaining(`"conv_in.bias" contains ${said}, at position 2.`)]);
        }
        expect((await errorOf(source.checkValues())).code).toBe('model.nan_weights');
      });
    }
  });

  it('do not overwrite a folder that has something in it', async () => {
    await opened(folder, {}, async (source) => { expect((await errorOf(writeFolder(folder, source, noBuiltin))).code).toBe('file.exists'); });
  });
});

describe('single files', () => {
  const file = async (names: Record<string, number[]>) => {
    const path = join(await tempFolder(), 'model.safetensors');
    await writeTensors(path, new Map(Object.entries(names).map(([n, shape]) => [n, { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) }])));
    return path;
  };
  const unet = 'model.diffusion_model.', convIn = { [`${unet}input_blocks.0.0.weight`]: [4, 4, 3, 3] };
  const strangers: [string, Record<string, number[]>, string, RegExp][] = [
    ['Stable Diffusion 3', { [`${unet}joint_blocks.0.x_block.attn.qkv.weight`]: [2] }, 'model.not_supported', /Stable Diffusion 3 is not supported yet/],
    ['Flux', { 'double_blocks.0.img_attn.qkv.weight': [2], 'single_blocks.0.linear1.weight': [2] }, 'model.not_supported', /Flux is not supported yet/],
    ['Stable Diffusion 2', { ...convIn, 'cond_stage_model.model.ln_final.weight': [2] }, 'model.not_supported', /Stable Diffusion 2/],
    ['the refiner', { ...convIn, [`${unet}label_emb.0.0.weight`]: [2], 'conditioner.embedders.0.model.ln_final.weight': [2] }, 'model.not_supported', /refiner/],
    ['an inpainting model', { [`${unet}input_blocks.0.0.weight`]: [4, 9, 3, 3] }, 'model.not_supported', /inpainting/],
    ['a LoRA', { 'lora_unet_input_blocks_4_1_proj_in.lora_down.weight': [2], a: [1], b: [1] }, 'model.not_a_base_model', /LoRA/],
    ['a VAE', { 'encoder.conv_in.weight': [2], 'decoder.conv_in.weight': [2], 'quant_conv.weight': [2] }, 'model.not_a_base_model', /VAE/],
    ['an embedding', { 'string_to_param.*': [2] }, 'model.not_a_base_model', /embedding/],
    ['anything else', { a: [1], b: [1], c: [1] }, 'model.not_supported', /not supported yet/],
    ['a UNet without the rest', { ...convIn }, 'model.missing_component', /vae/],
  ];
  it.each(strangers)('recognise %s', async (_, names, code, message) => {
    const error = await errorOf(openModel(await file(names)));
    expect(error.message).toMatch(message);
    expect(error.code).toBe(code);
  });

  it('of unusual shape need their configs, and take them from a folder or from the one beside them', async () => {
    const dir = await tempFolder(), weights = await writeTiny(join(dir, 'm'), 'sdxl'), path = join(dir, 'one.safetensors');
    await opened(join(dir, 'm'), {}, (source) => writeSingleFile(path, source).then(() => undefined));
    const bare = await SafetensorsFile.open(path), tensors: Tensors = new Map();
    for (const t of bare.tensors.values()) tensors.set(t.name, { shape: t.shape, data: await bare.readFloat(t.name) });
    await bare.close();
    for (const extra of ['v_pred', 'ztsnr', 'model_ema.decay', 'conditioner.embedders.1.model.logit_scale']) tensors.set(extra, { shape: [1], data: new Float32Array(1) });
    await writeTensors(path, tensors);
    const error = await errorOf(openModel(path)) as AppError;
    expect(error.code).toBe('model.needs_config');
    expect(error.hint).toContain(join(dir, 'one', 'unet', 'config.json'));
    await opened(path, { configFrom: join(dir, 'm') }, async (source) => {
      await expectSame(source, weights);
      expect([...source.ignored].sort()).toEqual(['conditioner.embedders.1.model.logit_scale', 'model_ema.decay', 'v_pred', 'ztsnr'].sort());
      expect([source.scheduler['prediction_type'], source.scheduler['rescale_betas_zero_snr']]).toEqual(['v_prediction', true]);
    });
    tensors.set(`${unet}input_blocks.9.9.weight`, { shape: [1], data: new Float32Array(1) });
    await writeTensors(path, tensors);
    await rename(join(dir, 'm'), join(dir, 'one'));
    const extra = await errorOf(openModel(path));
    expect([extra.code, extra.message.includes('input_blocks.9.9.weight')]).toEqual(['model.extra_tensors', true]);
  });
});

it('a single file numbered as diffusers\' script numbers it, three blocks a level whatever it holds, is read and written', async () => {
  const unet = { ...tinyConfigs.sdxl.unet, layers_per_block: 1 }, names = Object.keys(expectedShapes('unet', unet));
  const dense = originalLayout('sdxl', { unet }), spaced = originalLayout('sdxl', { unet }, 'spaced'), keys = (l: typeof dense) => names.map((n) => l.placeOf('unet', n)!.key);
  expect(spaced.placeOf('unet', 'down_blocks.1.resnets.0.conv1.weight')!.key).toBe('model.diffusion_model.input_blocks.4.0.in_layers.2.weight');
  expect(dense.placeOf('unet', 'down_blocks.1.resnets.0.conv1.weight')!.key).toBe('model.diffusion_model.input_blocks.3.0.in_layers.2.weight');
  expect(spaced.placeOf('unet', 'down_blocks.0.downsamplers.0.conv.weight')!.key).toBe('model.diffusion_model.input_blocks.3.0.op.weight');
  for (const [layout, numbering] of [[dense, 'dense'], [spaced, 'spaced']] as const) {
    expect(numberingIn('sdxl', { unet }, keys(layout))).toBe(numbering);
    expect(keys(layout).flatMap((k) => layout.weightsIn(k).map((w) => w.name))).toEqual(names);
  }
  const two = { unet: { ...unet, layers_per_block: 2 } }, all = Object.keys(expectedShapes('unet', two.unet));
  expect(all.map((n) => originalLayout('sdxl', two, 'spaced').placeOf('unet', n))).toEqual(all.map((n) => originalLayout('sdxl', two).placeOf('unet', n)));
});
