import { describe, expect, it } from 'vitest';
import { unetVariantParity } from './models-unet-variants.ts';
import { parseUnetConfig, unetForward, unetWeightShapes } from '../../main/engine/models/unet.ts';
import { readJson, readWeights } from '../../main/engine/parity/fixture.ts';
import { tf } from '../../main/engine/tf.ts';
import { contextOf, PARITY, shapesOf, VARIANTS } from './models-helpers.ts';

const sdxl = { config: `${PARITY}/tiny-sdxl/unet/config.json`, weights: `${PARITY}/tiny-sdxl/unet/diffusion_pytorch_model.safetensors` };
const variant = (name: string) => ({ config: `${VARIANTS}/${name}/config.json`, weights: `${VARIANTS}/${name}/weights.safetensors` });
const read = async (files: { config: string; weights: string }) => ({ config: parseUnetConfig(await readJson(files.config)), weights: await readWeights(files.weights) });

describe('UNet2DConditionModel', () => {
  it.each([sdxl, variant('sd15'), variant('asymmetrical')])('lists exactly the checkpoint\'s weights: $config', async (files) => {
    const { config, weights } = await read(files);
    expect(unetWeightShapes(config)).toEqual(shapesOf(weights));
  });

  // sd15: convolutions as projections, one number of heads, no size conditioning, odd latent sizes.
  // asymmetrical: layers and transformer depths by block and layer, mid block without attention, other sinusoids, 9 input channels.
  it.each(['sd15', 'asymmetrical'])('predicts and differentiates as diffusers: %s', async (name) => {
    const { output, worstNorm } = await unetVariantParity(`${VARIANTS}/${name}`);
    expect(output).toBeLessThan(1e-4);
    expect(worstNorm).toBeLessThan(1e-3);
  });

  it('asks for SDXL\'s conditioning where the config has it', async () => {
    const { config, weights } = await read(sdxl);
    const inputs = { sample: tf.zeros([1, 8, 8, 4]), timestep: tf.zeros([1]), encoderHiddenStates: tf.zeros([1, 77, config.cross_attention_dim as number]) };
    expect(() => unetForward(contextOf(weights), config, inputs)).toThrow(expect.objectContaining({ code: 'model.missing_conditioning' }));
  });

  it.each([
    [{ _class_name: 'SD3Transformer2DModel' }, /SD3Transformer2DModel.*not supported yet/],
    [{ _class_name: 'FluxTransformer2DModel' }, /FluxTransformer2DModel.*not supported yet/],
    [{ down_block_types: ['KDownBlock2D'], up_block_types: ['UpBlock2D'], block_out_channels: [8] }, /down_block_types\.0/],
    [{ encoder_hid_dim_type: 'text_proj' }, /encoder_hid_dim_type/],
    [{ resnet_time_scale_shift: 'scale_shift' }, /resnet_time_scale_shift/],
    [{ layers_per_block: [1, 2] }, /layers_per_block: has 2 entries for 4 blocks/],
    [{ addition_embed_type: 'text_time' }, /projection_class_embeddings_input_dim/],
    [{ transformer_layers_per_block: [1, [1, 1], 1, 1] }, /reverse_transformer_layers_per_block/],
    ['nonsense', /UNet2DConditionModel/],
  ])('refuses what it cannot compute: %j', (json, message) => {
    expect(() => parseUnetConfig(json)).toThrow(message);
  });
});
