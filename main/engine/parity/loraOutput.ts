/** Parity of LoRA in use: read from each file form and applied in the UNet, and merged into its weights, it gives PyTorch's output. */
import { join } from 'node:path';
import type { Executor } from '../backend/executor.ts';
import { mergedWeights } from '../checkpoint/lora/applyLora.ts';
import type { LoraWeights } from '../checkpoint/lora/loraWeights.ts';
import { readLora } from '../checkpoint/lora/readLora.ts';
import type { ModelSource } from '../checkpoint/modelSource.ts';
import { openModel } from '../checkpoint/openModel.ts';
import { parseUnetConfig, unetForward } from '../models/unet.ts';
import { variableName } from '../run/baseModel.ts';
import { declareTrainables, loraTrainables, trainedContext, type Trainables } from '../trainables/trainables.ts';
import { componentFiles, readFixture, relativeError, toNhwc, type Weights } from './fixture.ts';
import { fileOf, lackingFiles, loraNames } from './loraFiles.ts';
import { onExecutor, runOnce } from './onExecutor.ts';
import { absentPart, judge, lacking, TOLERANCE, type ParityFinding, type ParitySection } from './section.ts';
import { asUnetInputs, inputsOf, lackingOf } from './unet.ts';

const NAME = 'LoRA applied';

/** The UNet's weights, with the LoRA's change worked in where it is given. */
async function declareUnet(executor: Executor, source: ModelSource, merge: LoraWeights | null): Promise<void> {
  const override = merge && mergedWeights(source, merge);
  for (const name of source.weights('unet').keys()) {
    const own = await source.read('unet', name);
    executor.declare(variableName('unet', name), { shape: own.shape }, (await override?.('unet', name)) ?? own.data);
  }
}

/** The output's error with the LoRA beside the weights, or merged into them. */
async function outputError(executor: Executor, source: ModelSource, lora: LoraWeights, merged: boolean, inputs: Weights, expected: Weights, name: string): Promise<number> {
  const trainables: Trainables = merged ? { lora: null, list: [] } : loraTrainables(source, lora), config = parseUnetConfig(source.config('unet'));
  await declareUnet(executor, source, merged ? lora : null);
  await declareTrainables(executor, source, trainables, false);
  const got = await runOnce(executor, 'unet', inputsOf(inputs, ''), (given, state) => ({ outputs: { output: unetForward(trainedContext(state, 'unet', trainables), config, asUnetInputs(given)) } }));
  return relativeError(got['output']!, toNhwc(expected.get(`${name}.unet_output`)!));
}

export const loraOutput: ParitySection = {
  name: NAME,
  files: ['unet.safetensors', 'training.safetensors', 'tiny-sdxl/model_index.json', ...componentFiles('unet'), 'lora'],
  async *run(dir: string): AsyncGenerator<ParityFinding> {
    const inputs = await readFixture(dir, 'unet'), expected = await readFixture(dir, 'training');
    const source = await openModel(join(dir, 'tiny-sdxl'), { components: ['unet'] });
    try {
      for (const name of await loraNames(dir)) {
        for (const [form, merged] of [['diffusers', false], ['kohya', false], ['diffusers', true]] as const) {
          const quantity = `${name}: UNet's output with ${form}'s file${merged ? ' merged' : ''}`;
          const missing = [...lackingFiles(dir, name, [form]), ...lackingOf(inputs, parseUnetConfig(source.config('unet')), '', []), ...lacking(expected, [`${name}.unet_output`])];
          if (missing.length) { yield absentPart(NAME, quantity, missing); continue; }
          const lora = await readLora(fileOf(dir, name, form), source.config('unet'));
          yield* onExecutor('tensorflow-eager', async function* (executor) {
            yield judge(NAME, quantity, await outputError(executor, source, lora, merged, inputs, expected, name), TOLERANCE.forward);
          });
        }
      }
    } finally { await source.close(); }
  },
};
