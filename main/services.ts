/** The composition root: every room made once and handed what it needs. One list, no container. */
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { builtinModels } from './compare/demo.ts';
import { createComparisons } from './compare/service/index.ts';
import type { Handlers } from './contract/method.ts';
import type { coreMethods } from './contract/methods.ts';
import { builtinModelId } from './contract/models.ts';
import type { RunConfig } from './contract/runConfig.ts';
import { runFolder } from './contract/runFolder.ts';
import type { Job } from './contract/system.ts';
import { databaseError, openDatabase } from './db/open.ts';
import { createDatasets } from './datasets/service.ts';
import { createJobs } from './jobs/jobs.ts';
import { jobHandlers } from './jobs/handlers.ts';
import { createModelStore } from './models/store.ts';
import { createProjects } from './projects/store.ts';
import type { Reference } from './runs/configCheck.ts';
import { runDataHandlers, runHandlers } from './runs/handlers.ts';
import { createRuns } from './runs/index.ts';
import { checked } from './files/journalReader.ts';
import { takeFolderIn, unknownFolders } from './runs/rebuild.ts';
import { cudaEnv } from './runtime/cudaEnv.ts';
import { appDir, defaultRuntimeDir, resourcesDir } from './runtime/paths.ts';
import { runsPort } from './services/comparePorts.ts';
import { runChild } from './services/childJson.ts';
import { createHub } from './services/hub.ts';
import { createMedia } from './services/media.ts';
import { browse } from './services/browseFiles.ts';
import { createDoctor } from './services/doctor.ts';
import { createEngine } from './services/engine.ts';
import { createDryRun } from './services/dryRun.ts';
import { estimateMemory } from './services/estimate.ts';
import { createExports } from './services/exports.ts';
import { modelInspector } from './services/modelInspector.ts';
import { createPrepare } from './services/prepareRun.ts';
import { createRoundTrip } from './services/roundTrip.ts';
import { createPresets } from './settings/presets.ts';
import { createSettings } from './settings/settings.ts';
import { createSupervisor } from './trainer/supervisor.ts';

export interface ServiceOptions {
  dataDir: string;
  log: (line: string) => void;
  /** a desktop shell is around */
  shell?: boolean;
  /** the training process's entry; tests put a fake here */
  trainer?: { node: string; args: string[] };
}
export type Services = Awaited<ReturnType<typeof createServices>>;

export async function createServices({ dataDir, log, shell = false, trainer }: ServiceOptions) {
  mkdirSync(dataDir, { recursive: true });
  const version = (JSON.parse(readFileSync(join(appDir, 'package.json'), 'utf8')) as { version: string }).version;
  const db = openDatabase(join(dataDir, 'studio.sqlite'), log);
  const hub = createHub();
  const { emit } = hub;
  const runsDir = join(dataDir, 'runs');
  const settings = createSettings(db, emit);
  const jobs = createJobs(db, emit);
  const projects = createProjects(db, emit);
  const models = createModelStore(db, modelInspector, emit);

  const { count } = await (await import('./engine/models/tokenizer.ts')).loadTokenizer({ kind: 'builtin', padToken: '<|endoftext|>' });
  const datasets = createDatasets({ db, emit, jobs, folder: join(dataDir, 'datasets'), countTokens: count, roundTrip: createRoundTrip(models), manifestOfRun });
  const engine = createEngine({ jobs, ended: () => void runs.lifecycle.pump() });
  const freeze = createPrepare(models, datasets);
  const prepare: typeof freeze = (run) => { if (!trainer) engine.demand(); return freeze(run); };
  const runs = createRuns(db, { runsDir, emit, log, parallel: () => (engine.installing() ? 0 : settings.get().parallel_runs), hangMinutes: () => settings.get().hang_minutes, prepare });
  const supervisor = createSupervisor({
    node: trainer?.node ?? process.execPath, args: trainer?.args ?? [join(appDir, 'main', 'engine', 'process.ts')],
    env: cudaEnv(defaultRuntimeDir),
    parse: (message) => checked(message, () => log(`training process said something else: ${JSON.stringify(message).slice(0, 200)}`)),
    callbacks: runs.lifecycle.callbacks,
  });
  runs.lifecycle.use(supervisor);

  function manifestOfRun(id: string): string | undefined {
    const folder = runs.store.find(id)?.folder;
    return folder && join(folder, runFolder.chosenData);
  }
  const references = { model: modelReference, dataset: datasetReference };
  async function modelReference(base: string): Promise<Reference> {
    const model = models.find(base);
    if (model && !model.available) return { problem: `The files of "${model.name}" are gone: ${model.path}`, hint: 'Connect the disk, or choose another model.' };
    if (model) return { problem: model.problems[0] ?? null, hint: 'Choose another model.', resolution: model.resolution, architecture: model.architecture };
    return { problem: existsSync(base) ? null : `There is no model at ${base}.`, hint: 'Choose a model from the list.' };
  }
  async function datasetReference(id: string): Promise<Reference> {
    const known = datasets.find(id) !== undefined || (existsSync(id) && (statSync(id).isDirectory() || id.endsWith('.json')));
    return { problem: known ? null : `There is no data set ${id}.`, hint: 'Choose a data set from the list.' };
  }
  const checkpointName = (runId: string, step: number): string | undefined => runs.artifacts.checkpoints(runId).find((c) => c.step === step && c.present)?.dir.split(/[\\/]/).at(-1);
  const exports = createExports(db, jobs, checkpointName);
  const rebuildFolder = (folder: string): void => { const id = takeFolderIn(db, runs.store, runs.recorder, folder); exports.reload(id, folder); };
  const rebuild = (): Job => jobs.start('rebuild', 'Reading the run folders', async ({ progress }) => {
    const found = unknownFolders(runs.store, runsDir);
    const problems: string[] = [];
    found.forEach((id, i) => {
      progress(id, i, found.length);
      try { rebuildFolder(join(runsDir, id)); } catch (error) { problems.push(`${id}: ${(error as Error).message}`); }
    });
    return { runs: found.length - problems.length, problems };
  });
  const doctor = createDoctor(dataDir, jobs);
  const modelPath = (base: string): string => models.find(base)?.path ?? base;
  const rooms = {
    ...runs, references, queueHeld: runs.held.get,
    estimate: (config: RunConfig) => estimateMemory(config, { path: modelPath(config.model.base) }), dryRun: createDryRun({ jobs, folder: join(dataDir, 'cache', 'dry-runs'), prepare, modelPath }), exportRun: exports.start, rebuild, describeGroup: (id: string) => comparisons.describe(id),
  };
  const runMethodHandlers = runHandlers(rooms);
  const comparisons = createComparisons({
    db, emit, jobs, folder: join(dataDir, 'comparisons'), resources: resourcesDir, log, featureModel: () => settings.get().feature_model, runs: runsPort({ ...runs, references }, runMethodHandlers),
    runCli: (args, signal, onLine) => runChild('main/cli.ts', args, { signal, onLine }),
  });
  hub.listen((event) => { if (event.type === 'runs.changed') comparisons.runChanged(event.data.run); });
  const handlers: Partial<Handlers<typeof coreMethods>> = {
    'system.info': () => ({ version, data_folder: dataDir, platform: process.platform, shell, pid: process.pid }),
    'settings.get': () => settings.get(),
    'settings.set': ({ changes }) => settings.set(changes),
    'doctor.last': () => doctor.last(),
    'engine.get': () => engine.get(),
    'engine.install': () => ({ job_id: engine.install().id }),
    'doctor.run': () => ({ job_id: doctor.run().id }),
    'files.browse': ({ path, extensions }) => browse(path, extensions),
    ...jobHandlers(jobs), ...createPresets(db), ...projects, ...models.handlers, ...datasets.handlers, ...runMethodHandlers, ...runDataHandlers(rooms), ...comparisons.handlers,
  };
  const media = createMedia({
    image: (id, width) => datasets.media(width !== undefined && width <= 320 ? 'thumb' : 'view', Number(id)),
    cut: (id) => datasets.cutMedia(id), roundtrip: (id) => datasets.roundTripMedia(id),
    sample: (id) => runs.artifacts.media('sample', id), export: (id) => ({ ...runs.artifacts.media('export', id), download: true }),
    ...comparisons.media,
  }, join(dataDir, 'cache', 'thumbnails'));

  await addBuiltinModels(models.addBuiltin, log);
  for (const id of unknownFolders(runs.store, runsDir)) {
    try { rebuildFolder(join(runsDir, id)); log(`run ${id} was taken in from its folder`); } catch (error) { log(`run folder ${id}: ${(error as Error).message}`); }
  }
  comparisons.takeIn();
  if (!trainer) engine.installAtFirstStart();
  runs.lifecycle.reconcile();
  return {
    hub, media, db, handlers, receive: datasets.receive,
    /** errors of the database and the disk in words */
    explain: (error: unknown): unknown => databaseError(error, db.name),
    /** Lets training go on by itself; waits for jobs, writes what is held, closes the database. */
    async close(): Promise<void> {
      runs.lifecycle.close();
      engine.close();
      await jobs.close();
      runs.recorder.close();
      db.close();
    },
  };
}


/** Models under resources/models come with the app. One that cannot be read is reported, and does not stop the start. */
async function addBuiltinModels(add: (id: string, path: string, name: string) => Promise<void>, log: (line: string) => void): Promise<void> {
  const dir = join(resourcesDir, 'models');
  for (const name of builtinModels(dir)) {
    await add(builtinModelId(name), join(dir, name), name).catch((error: Error) => log(`built-in model ${name}: ${error.message}`));
  }
}
