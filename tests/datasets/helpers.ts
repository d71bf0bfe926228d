/** Folders of pictures made on the spot, and the data sets' room over a database of its own. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterEach } from 'vitest';
import type { DatasetChange, DatasetItem } from '../../main/contract/datasets.ts';
import { serviceWithoutJobs } from '../../main/datasets/cli.ts';
import { openDatabase } from '../../main/db/open.ts';

const folders: string[] = [];
afterEach(() => { for (const f of folders.splice(0)) rmSync(f, { recursive: true, force: true }); });

export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lpl-datasets-'));
  folders.push(folder);
  return folder;
}

/** A picture with detail everywhere, different for every seed. */
export function pixels(seed: number, width: number, height: number): Buffer {
  const data = Buffer.alloc(width * height * 3);
  let s = (seed * 2654435761 + 12345) >>> 0;
  const next = () => { s ^= s << 13; s >>>= 0; s ^= s >>> 17; s ^= s << 5; s >>>= 0; return s / 2 ** 32; };
  const blobs = Array.from({ length: 12 }, () => ({ x: next(), y: next(), r: 0.05 + next() * 0.2, c: [next() * 255, next() * 255, next() * 255] }));
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    const hit = blobs.findLast((b) => Math.hypot(x / width - b.x, y / height - b.y) < b.r);
    for (let c = 0; c < 3; c++) data[(y * width + x) * 3 + c] = hit ? hit.c[c]! : 200 + ((x * 7 + y * 13 + seed * 31) % 40);
  }
  return data;
}

export const picture = (seed: number, width = 96, height = 96): Sharp => sharp(pixels(seed, width, height), { raw: { width, height, channels: 3 } });
export const png = (seed: number, width = 96, height = 96): Promise<Buffer> => picture(seed, width, height).png().toBuffer();

export function put(folder: string, file: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), content);
}

/** Words stand for tokens here: the real tokenizer has its own tests. */
export const countWords = (text: string): number => text.split(/\s+/).filter((w) => w !== '').length;

export function openRoom(dataFolder = tempFolder()) {
  const db = openDatabase(join(dataFolder, 'studio.sqlite'));
  const { service, settled } = serviceWithoutJobs(db, join(dataFolder, 'datasets'), countWords, { signal: new AbortController().signal, progress: () => {} });
  const h = service.handlers;
  return {
    db, service, h, settled, dataFolder,
    /** Imports and waits; settings default to small buckets. */
    async import(paths: string | string[], settings: Record<string, unknown> = {}) {
      const { dataset_id } = await h['datasets.import']({ paths: [paths].flat(), settings: { bucketing: { resolution: 64, bucket_step: 8, min_bucket_side: 32, max_bucket_side: 128 }, ...settings } });
      return { id: dataset_id, result: await settled() as Record<string, number> };
    },
    async rescan(id: string) { await h['datasets.rescan']({ id }); return await settled() as Record<string, number>; },
    async items(id: string, query = ''): Promise<DatasetItem[]> { return (await h['datasets.items']({ id, query, sort: 'name', descending: false, offset: 0, limit: 1_000 })).items as DatasetItem[]; },
    async item(id: string, file: string): Promise<DatasetItem> {
      const found = (await this.items(id)).find((i) => i.file === file);
      if (!found) throw new Error(`no picture ${file}`);
      return found;
    },
    edit: (id: string, ids: number[], change: DatasetChange) => h['datasets.edit']({ id, target: { ids }, change }),
    notes: (id: string) => service.find(id)!.notes,
  };
}
export type Room = ReturnType<typeof openRoom>;
