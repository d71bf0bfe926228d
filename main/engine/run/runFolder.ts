/** A run's folder (contract/runFolder.ts) and its configuration. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ZodError } from 'zod';
import { AppError } from '../../contract/errors.ts';
import { runConfigSchema, type RunConfig } from '../../contract/runConfig.ts';
import { runFolder as names } from '../../contract/runFolder.ts';
import { writeFileAtomic } from '../../files/atomicFile.ts';

export interface RunFolder { dir: string; about: string; config: string; dataset: string; journal: string; commands: string; checkpoints: string; samples: string; exports: string; log: string }

export const runFolder = (dir: string): RunFolder => ({
  dir, about: join(dir, names.about), config: join(dir, names.config), dataset: join(dir, names.dataset), journal: join(dir, names.events), commands: join(dir, names.commands),
  checkpoints: join(dir, names.checkpoints), samples: join(dir, names.samples), exports: join(dir, names.exports), log: join(dir, names.log),
});

/** Makes the folder of a new run. Throws run.folder_taken when there is one already. */
export function createRunFolder(dir: string, config: RunConfig): RunFolder {
  const folder = runFolder(dir);
  if (existsSync(folder.config)) throw new AppError('run.folder_taken', `There is already a run in ${dir}.`, 'Resume it, or choose another folder for the new run.', { dir });
  for (const d of [folder.checkpoints, folder.samples]) mkdirSync(d, { recursive: true });
  writeFileAtomic(folder.config, `${JSON.stringify(config, null, 2)}\n`);
  return folder;
}

/** Reads a run's configuration. Throws AppError run.* that names the field when it is missing or wrong. */
export function readRunConfig(file: string): RunConfig {
  if (!existsSync(file)) throw new AppError('run.no_config', `${file} does not exist.`, 'Give a run configuration (JSON), or a run folder that has a config.json.', { file });
  let json: unknown;
  try { json = JSON.parse(readFileSync(file, 'utf8')); } catch (error) {
    throw new AppError('run.config_not_json', `${file} is not JSON: ${(error as Error).message}`, 'Correct the file, or write a new one with "lpl train --print-config".', { file });
  }
  return parseRunConfig(json, file);
}

/** Validates a configuration; every field that is wrong is named in the message. */
export function parseRunConfig(json: unknown, from = 'The configuration'): RunConfig {
  const parsed = runConfigSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new AppError('run.config_invalid', `${from}: ${issues(parsed.error).join('; ')}`, 'Correct the fields named; "lpl train --help" lists every field with its range.', { issues: issues(parsed.error) });
}

const issues = (error: ZodError): string[] => error.issues.map((i) => `${i.path.join('.') || 'top level'}: ${i.message}`);

/** SHA-256 of the configuration with sorted keys: equal for equal settings, whatever their order. */
export function configHash(config: unknown): string {
  const canonical = (v: unknown): unknown => Array.isArray(v) ? v.map(canonical)
    : v !== null && typeof v === 'object' ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, x]) => [k, canonical(x)])) : v;
  return createHash('sha256').update(JSON.stringify(canonical(config))).digest('hex');
}
