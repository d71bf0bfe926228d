/**
 * One checkpoint on disk: a folder `step-00000250` with one safetensors file per group of tensors (weights, optimizer, ema) and a
 * manifest.json with every file's size and SHA-256, the state of the run, and the hash of the manifest itself.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../../contract/errors.ts';
import { SafetensorsFile } from '../checkpoint/safetensors.ts';
import { hashFile, verifyWritten, writeSafetensors, type TensorToWrite, type WrittenFile } from '../checkpoint/writeSafetensors.ts';
import { diskError, fsyncDirectory, writeFileAtomic } from '../../files/atomicFile.ts';

const manifestSchema = z.strictObject({
  format: z.literal('lpl-checkpoint'), version: z.literal(1),
  /** optimizer steps done */
  step: z.int().min(0),
  /** what else is needed to go on, and where it came from */
  state: z.record(z.string(), z.unknown()),
  files: z.record(z.string(), z.strictObject({ bytes: z.int(), sha256: z.string() })),
  sha256: z.string(),
});
export type CheckpointManifest = z.output<typeof manifestSchema>;
/** Tensors by file: { weights: […], optimizer: […] }. */
export type CheckpointGroups = Record<string, TensorToWrite[]>;

export const checkpointName = (step: number): string => `step-${String(step).padStart(8, '0')}`;
const sealOf = (m: Omit<CheckpointManifest, 'sha256'>): string => createHash('sha256').update(JSON.stringify([m.format, m.version, m.step, m.state, m.files])).digest('hex');

/**
 * Writes a checkpoint folder beside its place, reads every file back, and renames it to `dir`; a checkpoint of the same step
 * that is already there is replaced. Throws disk.full, file.readback; nothing is left behind then.
 */
export async function writeCheckpoint(dir: string, step: number, groups: CheckpointGroups, state: Record<string, unknown>): Promise<CheckpointManifest> {
  const temporary = join(dir, '..', `.tmp-${basename(dir)}-${process.pid}`);
  try {
    mkdirSync(temporary, { recursive: true });
    const files: CheckpointManifest['files'] = {}, written: [WrittenFile, TensorToWrite[]][] = [];
    for (const [name, tensors] of Object.entries(groups)) {
      const file = await writeSafetensors(join(temporary, `${name}.safetensors`), tensors, { format: 'lpl-checkpoint', step: String(step) });
      files[`${name}.safetensors`] = { bytes: file.bytes, sha256: file.sha256 };
      written.push([file, tensors]);
    }
    const body = { format: 'lpl-checkpoint' as const, version: 1 as const, step, state, files };
    const manifest = { ...body, sha256: sealOf(body) };
    writeFileAtomic(join(temporary, 'manifest.json'), `${JSON.stringify(manifest, null, 1)}\n`);
    for (const [file, tensors] of written) await verifyWritten(file, tensors);
    replaceFolder(temporary, dir);
    return manifest;
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw diskError(error, dir);
  }
}

function replaceFolder(temporary: string, dir: string): void {
  const parent = join(dir, '..'), old = join(parent, `.old-${basename(dir)}-${process.pid}`);
  try { renameSync(dir, old); } catch (error) { if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; }
  renameSync(temporary, dir);
  fsyncDirectory(parent);
  rmSync(old, { recursive: true, force: true });
}

/** Reads and checks a checkpoint: manifest sound, every file there with its hash. Throws checkpoint.damaged. */
export async function verifyCheckpoint(dir: string): Promise<CheckpointManifest> {
  const fail = (what: string): AppError => new AppError('checkpoint.damaged', `The checkpoint ${dir} is damaged: ${what}.`, 'Resume from an older checkpoint.', { dir });
  let manifest: CheckpointManifest;
  try { manifest = manifestSchema.parse(JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8'))); } catch { throw fail('its manifest cannot be read'); }
  if (sealOf(manifest) !== manifest.sha256) throw fail('its manifest was changed');
  for (const [name, { sha256 }] of Object.entries(manifest.files)) {
    const found = await hashFile(join(dir, name)).catch(() => undefined);
    if (found !== sha256) throw fail(found ? `${name} differs from what was written` : `${name} is missing`);
  }
  return manifest;
}

/** Reads one group of a verified checkpoint, a tensor at a time: calls `use` with its float32 values. */
export async function readGroup(dir: string, group: string, use: (name: string, shape: number[], values: Float32Array) => void | Promise<void>): Promise<void> {
  const file = await SafetensorsFile.open(join(dir, `${group}.safetensors`));
  try {
    for (const [name, info] of file.tensors) await use(name, info.shape, await file.readFloat(name));
  } finally { await file.close(); }
}
