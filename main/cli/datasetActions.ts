/** What `lpl dataset import|report|export` do. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { bucketingSchema } from '../contract/datasetManifest.ts';
import { AppError } from '../contract/errors.ts';
import { reportFolder, serviceWithoutJobs } from '../datasets/cli.ts';
import { openDatabase } from '../db/open.ts';
import { loadTokenizer } from '../engine/models/tokenizer.ts';
import { dataDir } from '../runtime/paths.ts';
import { adviceOf, namedModel } from '../services/namedModel.ts';
import type { Output } from './output.ts';
import type { Action } from './command.ts';

const counter = async () => (await loadTokenizer({ kind: 'builtin', padToken: '<|endoftext|>' })).count;

/** Progress goes to the bar; Ctrl-C ends the process, and what was read stays. */
function workOf(output: Output) {
  const started = performance.now();
  return {
    signal: new AbortController().signal,
    progress: (text: string, done: number, total: number) => { if (total > 0) output.progress(text, done, total, done > 0 ? ((performance.now() - started) / 1000 / done) * (total - done) : null); },
  };
}

const bucketing = (options: Record<string, unknown>) => ({ bucketing: { ...(options['resolution'] ? { resolution: Number(options['resolution']) } : {}), ...(options['upscale'] === true ? { upscale: true } : {}) } });

async function withService<T>(output: Output, use: (s: ReturnType<typeof serviceWithoutJobs>) => Promise<T>): Promise<T> {
  const folder = dataDir();
  mkdirSync(folder, { recursive: true });
  const db = openDatabase(join(folder, 'studio.sqlite'));
  try { return await use(serviceWithoutJobs(db, join(folder, 'datasets'), await counter(), workOf(output))); } finally { db.close(); }
}

export const importDataset: Action = (output, paths, options) => withService(output, async ({ service, settled }) => {
  const name = options['name'] as string | undefined;
  const { dataset_id } = await service.handlers['datasets.import']({ paths, settings: bucketing(options), ...(name ? { name } : {}) });
  const result = await settled();
  output.data({ id: dataset_id, ...result as object });
  const { counts } = await service.handlers['datasets.get']({ id: dataset_id });
  output.result(`${dataset_id}: ${counts.pictures} pictures, ${counts.unreadable} unreadable. "lpl dataset report ${dataset_id}" lists what is wrong.`);
});

export const reportDataset: Action = async (output, [target = ''], options) => {
  const flags = new Map<string, number>();
  let pictures = 0;
  const settings = bucketing({ ...options, resolution: await judgedAt(output, options) });
  const notes = await reportFolder(await folderOf(output, target), settings, await counter(), workOf(output), (row) => {
    pictures++;
    output.data(row);
    for (const f of row.flags) flags.set(f, (flags.get(f) ?? 0) + 1);
    if (!output.json && row.flags.length > 0) output.result(`${row.file}: ${row.flags.map((f, i) => `${f} (${row.reasons[i]})`).join('; ')}`);
  });
  for (const note of notes) output.text(`passed over ${note.file}: ${note.reason}`);
  output.text(`${pictures} pictures. ${[...flags].map(([f, n]) => `${f}: ${n}`).join(', ') || 'Nothing to complain about.'}`);
};

/** The resolution (px) of a report, which it names: the one given, that of the model given, else the default. Throws model.*, cli.bad_flag. */
async function judgedAt(output: Output, { resolution, base }: Record<string, unknown>): Promise<number> {
  const advised = typeof base === 'string' ? (await adviceOf(await namedModel(base)))['data.resolution'] : undefined;
  const px = Number(resolution ?? advised ?? bucketingSchema.parse({}).resolution);
  if (!bucketingSchema.safeParse({ resolution: px }).success) throw new AppError('cli.bad_flag', '--resolution needs a whole number of pixels, at least 16.', 'See "lpl dataset report --help".');
  const why = advised === px ? `, the resolution of ${String(base)}` : advised !== undefined ? `; ${String(base)} works best with ${advised} px` : resolution === undefined ? ', the default; --base MODEL takes a model\'s resolution, --resolution another' : '';
  output.text(`judged at ${px} px${why}`);
  return px;
}

/** A path as it is; the id of a data set as its folder. */
async function folderOf(output: Output, target: string): Promise<string> {
  return /^ds_[0-9a-z]+$/.test(target) ? withService(output, async ({ service }) => service.find(target)?.root ?? target) : target;
}

export const exportDataset: Action = (output, [source = '', target = ''], options) => withService(output, async ({ service, settled }) => {
  const format = options['format'];
  if (format !== 'imagefolder' && format !== 'kohya') throw new AppError('dataset.format', `There is no format "${String(format)}".`, 'Choose imagefolder or kohya.');
  let id = service.find(source)?.id;
  const made = id === undefined;
  if (id === undefined) {
    ({ dataset_id: id } = await service.handlers['datasets.import']({ paths: [source], settings: {} }));
    await settled();
  }
  await service.handlers['datasets.export']({ id, format, zip: options['zip'] === true || /\.zip$/i.test(target), target });
  const result = await settled() as { target: string; pictures: number; problems: { file: string; reason: string }[] };
  if (made) await service.handlers['datasets.delete']({ id });
  output.data(result);
  for (const p of result.problems) output.text(`left out ${p.file}: ${p.reason}`);
  output.result(`${result.pictures} pictures written to ${result.target}`);
});
