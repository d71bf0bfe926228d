/** The contract's methods that make, read, move, copy and remove data sets; the long ones as jobs. */
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { datasetSettingsSchema, type datasetMethods } from '../contract/datasets.ts';
import type { Emit } from '../contract/emit.ts';
import { AppError, toAppError } from '../contract/errors.ts';
import type { Handlers } from '../contract/method.ts';
import { newId } from '../files/newId.ts';
import type { DatasetContext, JobStarter, Work } from './context.ts';
import { droppedPaths } from './drops.ts';
import { exportItems } from './exportSet.ts';
import { targetItems } from './find.ts';
import { busy } from './handlers.ts';
import { importSource } from './importer.ts';
import type { OpenSets } from './openSets.ts';
import { relocate } from './relocate.ts';
import { roundTripOf, type RoundTripPort } from './roundTrips.ts';
import { resolveSource } from './sources.ts';
import type { DatasetRow } from './store.ts';
import { openVersion, snapshot } from './versions.ts';
import { datasetView } from './views.ts';
import { unpackZip } from './zipImport.ts';

type Long = 'drop' | 'import' | 'rescan' | 'relocate' | 'rename' | 'delete' | 'settings' | 'snapshot' | 'export' | 'roundtrip';

const parseSettings = (value: unknown) => {
  const parsed = datasetSettingsSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new AppError('dataset.settings', `The setting ${issue!.path.join('.')} is wrong: ${issue!.message}.`, 'Correct it and try again.', { issues: parsed.error.issues });
};

/** Reads a set's source anew; a zip is unpacked first. */
export async function readSource(context: DatasetContext, row: DatasetRow, job: Work) {
  if (row.source !== 'zip' || row.scanned_at !== null) return importSource(context, row, job);
  const notes: DatasetRow['notes'] = [];
  await unpackZip(row.origin, row.root, notes, { signal: job.signal, progress: (done, total) => job.progress('Unpacking', done, total) });
  const result = await importSource(context, row, job);
  context.store.update(row.id, { notes: [...notes, ...context.store.get(row.id).notes] });
  return { ...result, notes: result.notes + notes.length };
}

const SHOW_EVERY_MS = 2_000;

export function longHandlers(context: DatasetContext, open: OpenSets, emit: Emit, jobs: JobStarter, roundTrip?: RoundTripPort): Pick<Handlers<typeof datasetMethods>, `datasets.${Long}`> {
  const { store } = context;
  const { working } = context;
  const view = (id: string) => datasetView(context, id, open.peek(id));
  const changed = (id: string) => { emit('datasets.changed', { id }); return view(id); };

  /** Windows see the pictures as they come: now and then they are told to look again, more rarely the more there are. */
  function shown(id: string, job: Work): Work {
    let last = performance.now();
    return {
      signal: job.signal,
      progress(text, done, total) {
        job.progress(text, done, total);
        if (performance.now() - last < Math.max(SHOW_EVERY_MS, total)) return;
        last = performance.now();
        open.drop(id);
        emit('datasets.changed', { id });
      },
    };
  }

  /** One job at a time on a data set. */
  function work(row: DatasetRow, kind: string, title: string, run: (job: Work) => Promise<unknown>): { job_id: string } {
    if (working.has(row.id)) throw busy(row.name);
    const ended = (): void => { working.delete(row.id); open.drop(row.id); emit('datasets.changed', { id: row.id }); };
    context.failed.delete(row.id);
    const failed = (job: Work) => (error: unknown): never => {
      if (!job.signal.aborted) context.failed.set(row.id, toAppError(error));
      throw error;
    };
    const { id } = jobs.start(kind, title, (job) => run(shown(row.id, job)).catch(failed(job)).finally(ended));
    working.set(row.id, id);
    return { job_id: id };
  }

  return {
    'datasets.drop': () => ({ drop: newId('ds') }),
    'datasets.import': async ({ paths, drop, name, settings }) => {
      const id = drop ?? newId('ds');
      const source = await resolveSource(drop ? await droppedPaths(context, drop) : paths, join(context.folder, id, 'files'));
      const row: DatasetRow = { id, name: name ?? (source.name === 'dropped' ? 'Dropped pictures' : source.name), source: source.kind, origin: source.origin, root: source.root, settings: parseSettings(settings), notes: [], columns: [], created_at: Date.now(), scanned_at: null };
      store.insert(row);
      emit('datasets.changed', { id: null });
      return { ...work(row, 'dataset.import', `Import "${row.name}"`, (job) => readSource(context, row, job)), dataset_id: id };
    },
    'datasets.rescan': ({ id }) => { const row = store.get(id); return work(row, 'dataset.rescan', `Read "${row.name}" again`, (job) => readSource(context, row, job)); },
    'datasets.relocate': ({ id, path }) => { const row = store.get(id); return work(row, 'dataset.relocate', `Find "${row.name}"`, (job) => relocate(context, id, resolve(path), job)); },
    'datasets.rename': ({ id, name }) => { store.get(id); store.update(id, { name }); return changed(id); },
    'datasets.delete': async ({ id }) => {
      const row = store.get(id);
      if (working.has(id)) throw busy(row.name);
      store.remove(id);
      open.drop(id);
      await rm(join(context.folder, id), { recursive: true, force: true }); // unpacked zips and dropped copies: the app's own
      emit('datasets.changed', { id: null });
      return { ok: true as const };
    },
    'datasets.settings': ({ id, changes }) => {
      const settings = parseSettings({ ...store.get(id).settings, ...changes });
      store.update(id, { settings });
      open.get(id).changeSettings(settings);
      return changed(id);
    },
    'datasets.snapshot': ({ id, name }) => { const version = snapshot(context, id, name); emit('datasets.changed', { id }); return version; },
    'datasets.roundtrip': ({ id, item_id, model_id }) => {
      if (!roundTrip) throw new AppError('dataset.no_engine', 'The engine is not at hand here.', 'Use the app, or "lpl dataset roundtrip".');
      const row = store.get(id), index = open.get(id);
      const [item] = targetItems(index, { ids: [item_id] });
      const picture = index.pictures().find((p) => p.item === item)!;
      return { job_id: jobs.start('roundtrip', `Through the VAE: ${item!.file}`, (job) => roundTripOf(context, roundTrip, model_id, row.root, row.settings.background, picture, job)).id };
    },
    'datasets.export': ({ id, version_id, format, zip, target }) => {
      const row = store.get(id);
      const { root, items } = version_id ? openVersion(context, version_id).content : { root: row.root, items: context.items.all(id) };
      return { job_id: jobs.start('dataset.export', `Export "${row.name}"`, (job) => exportItems(root, items, { format, zip, target: resolve(target) }, job)).id };
    },
  };
}
