/** Data sets without a window: what `lpl dataset import|report|export` do. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { DatasetItem } from '../contract/datasets.ts';
import { openDatabase, type Db } from '../db/open.ts';
import type { Work } from './context.ts';
import type { ScanNote } from './scan.ts';
import { createDatasets, type DatasetsService } from './service.ts';
import type { CountTokens } from './tokens.ts';

/** A line of `lpl dataset report --json`. Sizes in px of the upright picture; null for what is unreadable. */
export interface ReportLine {
  file: string; width: number | null; height: number | null; bucket: [number, number] | null; crop: [number, number, number, number] | null;
  /** the alternatives, one a line */
  caption: string;
  /** of the longest alternative */
  tokens: number | null;
  flags: string[];
  /** the file it is a copy of, or nearly */
  duplicateOf: string | null;
  reasons: string[];
}

/** The room over a database with long work run here and now: `settled` waits for it, and throws its error. */
export function serviceWithoutJobs(db: Db, folder: string, countTokens: CountTokens | null, work: Work): { service: DatasetsService; settled: () => Promise<unknown> } {
  let running: Promise<unknown> = Promise.resolve();
  const jobs = { start: (_kind: string, _title: string, run: (job: Work) => Promise<unknown>) => { running = run(work); running.catch(() => {}); return { id: 'job' }; } };
  return { service: createDatasets({ db, emit: () => {}, jobs, folder, countTokens }), settled: () => running };
}

const PAGE = 1_000;

/** All pictures of a data set, by file name. */
export async function* everyItem(service: DatasetsService, id: string): AsyncGenerator<DatasetItem> {
  for (let offset = 0; ; offset += PAGE) {
    const { items } = await service.handlers['datasets.items']({ id, query: '', sort: 'name', descending: false, offset, limit: PAGE });
    yield* items;
    if (items.length < PAGE) return;
  }
}

/** What a near-duplicate is a copy of: the one to keep of its group. */
function keepers(groups: { keep: number; items: number[] }[]): Map<number, number> {
  return new Map(groups.flatMap(({ keep, items }) => items.filter((i) => i !== keep).map((i): [number, number] => [i, keep])));
}

/**
 * Looks a folder, zip or picture over without keeping anything: every picture goes to `line`, then what the scan passed over is returned.
 * Throws AppError of datasets.import.
 */
export async function reportFolder(path: string, settings: Record<string, unknown>, countTokens: CountTokens | null, work: Work, line: (row: ReportLine) => void): Promise<ScanNote[]> {
  const folder = await mkdtemp(join(tmpdir(), 'lpl-report-'));
  const db = openDatabase(':memory:');
  try {
    const { service, settled } = serviceWithoutJobs(db, folder, countTokens, work);
    const { dataset_id: id } = await service.handlers['datasets.import']({ paths: [resolve(path)], settings });
    await settled();
    const keep = keepers(await service.handlers['datasets.groups']({ id })), files = new Map<number, string>();
    for await (const i of everyItem(service, id)) files.set(i.id, i.file);
    for await (const i of everyItem(service, id)) {
      const original = i.duplicate_of ?? keep.get(i.id);
      line({ file: i.file, width: i.width, height: i.height, bucket: i.bucket, crop: i.crop, caption: i.captions.join('\n'), tokens: i.tokens, flags: i.flags, duplicateOf: original === undefined ? null : files.get(original)!, reasons: i.reasons });
    }
    return service.find(id)!.notes;
  } finally {
    db.close();
    await rm(folder, { recursive: true, force: true });
  }
}
