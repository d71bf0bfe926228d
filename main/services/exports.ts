/** Exports: the engine writes the file in a child; the run's folder keeps a list of them. */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import { z } from 'zod';
import type { Params } from '../contract/methods.ts';
import { runFolder } from '../contract/runFolder.ts';
import type { Run } from '../contract/runs.ts';
import type { Job } from '../contract/system.ts';
import type { Db } from '../db/open.ts';
import { newId } from '../files/newId.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { runChild } from './childJson.ts';

const exportedSchema = z.object({ type: z.literal('export'), step: z.int(), file: z.string(), format: z.string(), bytes: z.number(), sha256: z.string() });
const keptSchema = exportedSchema.omit({ type: true }).extend({ id: z.string(), created_at: z.number() });
type Kept = z.output<typeof keptSchema>;

/** The engine's names of the forms. */
const forms = { 'lora-kohya': 'kohya', 'lora-diffusers': 'diffusers', 'full-diffusers': 'diffusers', 'full-single': 'single-file' } as const;
const listFile = (folder: string): string => join(folder, runFolder.exports, 'exports.jsonl');

export function createExports(db: Db, jobs: Jobs, checkpointName: (runId: string, step: number) => string | undefined) {
  const insert = (key: number, e: Kept): void => {
    db.prepare('INSERT OR REPLACE INTO exports (id, run, step, file, format, bytes, sha256, created_at) VALUES (?,?,?,?,?,?,?,?)').run(e.id, key, e.step, e.file, e.format, e.bytes, e.sha256, e.created_at);
  };
  const keyOf = (id: string): number => (db.prepare('SELECT key FROM runs WHERE id = ?').get(id) as { key: number }).key;
  const write = async (run: Run, o: Params<'exports.create'>, signal: AbortSignal): Promise<Kept> => {
    const checkpoint = o.step === undefined ? 'latest' : checkpointName(run.id, o.step) ?? `step-${o.step}`;
    const args = ['export', run.folder, '--json', '--checkpoint', checkpoint, '--format', forms[o.format], '--dtype', o.dtype ?? 'fp16', ...(o.ema ? ['--ema'] : []), ...(o.path ? ['--output', o.path] : [])];
    const lines = await runChild('main/cli.ts', args, { signal });
    const made = exportedSchema.parse(lines.findLast((l) => (l as { type?: string }).type === 'export'));
    const inside = relative(run.folder, made.file);
    const kept: Kept = { id: newId('exp'), step: made.step, file: inside.startsWith('..') || isAbsolute(inside) ? made.file : inside, format: made.format, bytes: made.bytes, sha256: made.sha256, created_at: Date.now() };
    mkdirSync(join(run.folder, runFolder.exports), { recursive: true });
    appendFileSync(listFile(run.folder), `${JSON.stringify(kept)}\n`);
    insert(keyOf(run.id), kept);
    return kept;
  };
  return {
    /** A job whose result is the export. Its errors are the engine's: checkpoint.*, lora.*, disk.full … */
    start: (run: Run, options: Params<'exports.create'>): Job => jobs.start('export', `Export of "${run.name}"`, async ({ signal, progress }) => {
      progress('Writing the file and reading it back', 0, 1);
      return write(run, options, signal);
    }),
    /** Takes the list in the run's folder into the database again. */
    reload(runId: string, folder: string): void {
      const file = listFile(folder);
      if (!existsSync(file)) return;
      for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) insert(keyOf(runId), keptSchema.parse(JSON.parse(line)));
    },
  };
}
