/** Training state between the executor and checkpoints: what is saved, and putting it back. */
import { AppError } from '../../contract/errors.ts';
import type { Executor } from '../backend/executor.ts';
import { readGroup, type CheckpointGroups } from './checkpointFiles.ts';
import type { FoundCheckpoint } from './checkpointStore.ts';

/** Names of the executor's variables that make up the training state, by checkpoint file. */
export type StateGroups = Record<string, string[]>;

/** The groups as tensors to write; values are read from the executor one at a time. */
export function stateTensors(executor: Executor, groups: StateGroups): CheckpointGroups {
  const specs = executor.variables();
  return Object.fromEntries(Object.entries(groups).filter(([, names]) => names.length).map(([group, names]) => [group, names.map((name) => ({
    name, dtype: 'F32' as const, shape: specs.get(name)!.shape,
    bytes: () => { const values = executor.read(name); return new Uint8Array(values.buffer, values.byteOffset, values.byteLength); },
  }))]));
}

/** Writes a checkpoint's values back. Throws checkpoint.other_run where it lacks a variable or has another shape. */
export async function restoreState(executor: Executor, groups: StateGroups, { dir, manifest }: FoundCheckpoint): Promise<void> {
  const specs = executor.variables();
  const misfit = (what: string): AppError => new AppError('checkpoint.other_run', `The checkpoint ${dir} belongs to a run with other settings: ${what}.`,
    'Resume with the settings the checkpoint was made with, or start a new run.', { dir });
  for (const [group, names] of Object.entries(groups).filter(([, list]) => list.length)) {
    if (!manifest.files[`${group}.safetensors`]) throw misfit(`it has no ${group}`);
    const missing = new Set(names);
    await readGroup(dir, group, (name, shape, values) => {
      if (!missing.delete(name)) throw misfit(`it has a ${group} tensor ${name}`);
      if (shape.join() !== specs.get(name)!.shape.join()) throw misfit(`${name} is [${shape}] there and [${specs.get(name)!.shape}] here`);
      executor.write(name, values);
    });
    if (missing.size) throw misfit(`it lacks ${missing.size} ${group} tensors, ${[...missing][0]} for one`);
  }
}
