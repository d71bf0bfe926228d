/** Saves edited captions to their caption files. */
import { join } from 'node:path';
import type { DatasetContext } from './context.ts';
import { isUnsaved, type Item } from './model.ts';
import type { DatasetRow } from './store.ts';
import { writeSidecar } from './sidecars.ts';

export interface SaveResult { saved: number; conflicts: number; problems: { file: string; code: string; reason: string }[]; ids: number[] }

/** Writes the unsaved ones among `items`, one after the other. What cannot be written stays unsaved, with a reason; conflicts are written down. */
export async function saveCaptions(context: DatasetContext, row: DatasetRow, items: readonly Item[]): Promise<SaveResult> {
  const result: SaveResult = { saved: 0, conflicts: 0, problems: [], ids: [] };
  for (const item of items) {
    if (!isUnsaved(item)) continue;
    if (item.conflictCaptions !== null) { result.conflicts++; continue; }
    const sidecar = item.sidecar ?? `${item.file}.txt`;
    const path = join(row.root, sidecar);
    const { captions } = item;
    const written = await writeSidecar(path, captions, item.sidecarHash, (before) => context.store.backUpSidecar(row.id, path, before));
    result.ids.push(item.id);
    if (written.kind === 'saved') {
      result.saved++;
      context.items.update(item.id, { diskCaptions: captions, sidecarHash: written.hash, captionSource: 'sidecar', captionNote: null });
    } else if (written.kind === 'conflict') {
      result.conflicts++;
      context.items.update(item.id, { conflictCaptions: written.captions, conflictHash: written.hash });
    } else result.problems.push({ file: sidecar, code: written.code, reason: written.reason });
  }
  return result;
}
