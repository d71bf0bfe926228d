/**
 * What evaluations of several runs share: the model in memory with its graphs compiled, into which each run's weights are put, and the feature
 * space with what it said about held-out pictures and prompts. One model at a time: runs of another one take its place.
 */
import type { RunConfig } from '../../contract/runConfig.ts';
import type { Executor } from '../backend/executor.ts';
import { createExecutor } from '../backend/select.ts';
import type { FoundCheckpoint } from '../run/checkpointStore.ts';
import type { BaseModel } from '../run/baseModel.ts';
import { configHash } from '../run/runFolder.ts';
import type { Trainables } from '../trainables/trainables.ts';
import { featureSpaceInfo, openFeatureSpace, type FeatureSpace, type FeatureSpaceInfo } from './featureSpace.ts';
import { declareModel, writeTrained } from './trainedModel.ts';

export interface TrainedModel { executor: Executor; trainables: Trainables }
export interface OpenSpace { space: FeatureSpace; /** features by file content or picture hash */ pictures: Map<string, number[]>; texts: Map<string, Float32Array | null> }
export interface Workbench {
  /** The run's model with the checkpoint's weights; it stays the workbench's. Throws model.*, checkpoint.other_run. */
  model(base: BaseModel, config: RunConfig, found: FoundCheckpoint, onProgress: (done: number, total: number) => void): Promise<TrainedModel>;
  /** The feature space, by the ONNX model where one is given. Throws evaluation.onnx_*. */
  space(base: BaseModel, config: RunConfig): Promise<OpenSpace>;
  spaceInfo(base: BaseModel, config: RunConfig): Promise<FeatureSpaceInfo>;
  dispose(): void;
}

/** Everything that what is compiled and declared depends on; not the seed, nor what is drawn. */
async function modelKey({ source }: BaseModel, { model, method, diffusion, training }: RunConfig): Promise<string> {
  const { backend, threads, precision, frozen_precision } = training;
  return configHash([await source.hash('unet'), await source.hash('vae'), model, method, diffusion, backend, threads, precision, frozen_precision]);
}

/** `onnx`: an image model to compare pictures with in place of the built-in one. */
export function openWorkbench({ onnx }: { onnx?: string | undefined } = {}): Workbench {
  let model: (TrainedModel & { key: string }) | undefined, space: (OpenSpace & { key: string }) | undefined;
  const dropModel = (): void => { model?.executor.dispose(); model = undefined; };
  let info: { key: string; told: FeatureSpaceInfo } | undefined;
  const spaceInfo: Workbench['spaceInfo'] = async (base, config) => {
    const key = onnx ?? configHash([await base.source.hash('vae'), config.data.resolution]);
    if (info?.key !== key) info = { key, told: await featureSpaceInfo({ base, config, onnx }) };
    return info.told;
  };
  const dropSpace = (): void => { space?.space.dispose(); space = undefined; };
  return {
    async model(base, config, found, onProgress) {
      const key = await modelKey(base, config);
      if (model?.key !== key) {
        dropModel();
        const { backend, threads, precision } = config.training, executor = await createExecutor({ backend, threads, precision });
        try { model = { key, executor, trainables: await declareModel(executor, base, config, onProgress) }; } catch (error) { executor.dispose(); throw error; }
      }
      await writeTrained(model.executor, model.trainables, found);
      return model;
    },
    async space(base, config) {
      const key = configHash([await spaceInfo(base, config), config.training.backend, config.training.threads]);
      if (space?.key !== key) {
        dropSpace();
        space = { key, space: await openFeatureSpace({ base, config, onnx }), pictures: new Map(), texts: new Map() };
      }
      return space;
    },
    spaceInfo,
    dispose() { dropModel(); dropSpace(); },
  };
}
