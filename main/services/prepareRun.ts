/** What a run's folder needs before its process starts: config.json with real paths, and its data sets frozen. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bucketingOf } from '../contract/datasetManifest.ts';
import type { RunConfig } from '../contract/runConfig.ts';
import { runFolder } from '../contract/runFolder.ts';
import type { DatasetsService } from '../datasets/service.ts';
import { writeJson } from '../files/atomicFile.ts';
import type { ModelStore } from '../models/store.ts';
import type { RunRow } from '../runs/runRow.ts';

/** Written once: a run that is resumed goes on with the same settings and the same data. Throws AppError dataset.*, disk.*. */
export function createPrepare(models: ModelStore, datasets: DatasetsService): (run: RunRow) => Promise<void> {
  const modelPath = (base: string): string => models.find(base)?.path ?? base;
  const dataPath = (id: string, config: RunConfig, file: string): string => {
    if (!datasets.find(id)) return id; // a folder or a manifest, which the engine reads itself
    writeJson(file, datasets.manifestForRun(id, bucketingOf(config.data)));
    return file;
  };
  return async ({ folder, config: text }) => {
    const file = join(folder, runFolder.config);
    if (existsSync(file)) return;
    const config = JSON.parse(text) as RunConfig;
    const { data, model } = config;
    writeJson(file, {
      ...config,
      model: { ...model, base: modelPath(model.base) },
      data: {
        ...data, dataset: dataPath(data.dataset, config, join(folder, runFolder.chosenData)),
        prior_dataset: data.prior_dataset && dataPath(data.prior_dataset, config, join(folder, runFolder.chosenPriorData)),
      },
    });
  };
}
