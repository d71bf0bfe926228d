/** A comparison's folder: comparison.json (so that the database can be made again), arms.json, report.html and report.json. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { armKinds, comparisonNumbersSchema, type ComparisonNumbers } from '../../contract/compare.ts';
import { writeJson } from '../../files/atomicFile.ts';
import type { ArmRow, CompareStore, ComparisonRow } from './store.ts';

const keptSchema = z.object({ id: z.string(), name: z.string(), config: z.string().nullable(), seeds: z.int(), created_at: z.number(), arms: z.array(z.object({ id: z.string(), kind: z.enum(armKinds), label: z.string(), run_ids: z.array(z.string()) })) });

export function comparisonFolders(root: string) {
  const file = (id: string, name: string): string => join(root, id, name);
  return {
    file,
    keep: (row: ComparisonRow, arms: readonly ArmRow[]): void => writeJson(file(row.id, 'comparison.json'), { ...row, arms: arms.map(({ id, kind, label, run_ids }) => ({ id, kind, label, run_ids })) }),
    evaluatedAt: (id: string): number | null => (existsSync(file(id, 'report.json')) ? statSync(file(id, 'report.json')).mtimeMs : null),
    numbers(id: string): ComparisonNumbers | null {
      if (!existsSync(file(id, 'report.json'))) return null;
      const parsed = comparisonNumbersSchema.safeParse(JSON.parse(readFileSync(file(id, 'report.json'), 'utf8')));
      return parsed.success ? parsed.data : null;
    },
    remove: (id: string): void => rmSync(join(root, id), { recursive: true, force: true }),
    /** Takes in folders that the database does not know. */
    takeIn(store: CompareStore): void {
      for (const id of existsSync(root) ? readdirSync(root) : []) {
        if (store.find(id) || !existsSync(file(id, 'comparison.json'))) continue;
        const kept = keptSchema.safeParse(JSON.parse(readFileSync(file(id, 'comparison.json'), 'utf8')));
        if (kept.success && kept.data.id === id) store.create(kept.data);
      }
    },
  };
}
export type ComparisonFolders = ReturnType<typeof comparisonFolders>;
