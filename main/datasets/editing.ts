/** The contract's methods that change decisions, every one a step of undo. */
import type { datasetMethods } from '../contract/datasets.ts';
import type { Emit } from '../contract/emit.ts';
import { AppError } from '../contract/errors.ts';
import type { Handlers } from '../contract/method.ts';
import { labelOf } from './changes.ts';
import type { DatasetContext } from './context.ts';
import { changesOf, targetItems } from './find.ts';
import type { OpenSets } from './openSets.ts';
import { saveCaptions } from './saving.ts';
import { drawSplit } from './split.ts';
import type { Change } from './storeJournal.ts';
import { changesToRestore, openVersion } from './versions.ts';
import { datasetView } from './views.ts';

type Editing = 'edit' | 'keepBest' | 'undo' | 'redo' | 'save' | 'resolve' | 'split' | 'restore';

export function editingHandlers(context: DatasetContext, open: OpenSets, emit: Emit): Pick<Handlers<typeof datasetMethods>, `datasets.${Editing}`> {
  const { db, items, journal, store } = context;
  const view = (id: string) => datasetView(context, id, open.peek(id));

  async function changed(id: string, ids: readonly number[]) {
    const index = open.get(id);
    index.refresh(ids);
    context.retokenize(ids.map((i) => index.item(i)!));
    if (ids.length > 0 && index.settings.autosave) await save(id, ids);
    emit('datasets.changed', { id });
    return { changed: ids.length, dataset: view(id) };
  }
  async function save(id: string, ids: readonly number[] | undefined) {
    const index = open.get(id);
    const { ids: touched, ...result } = await saveCaptions(context, store.get(id), ids ? targetItems(index, { ids: [...ids] }) : index.items());
    index.refresh(touched);
    emit('datasets.changed', { id });
    return { ...result, dataset: view(id) };
  }
  const edit = (id: string, label: string, changes: readonly Change[]) => changed(id, journal.edit(id, label, changes));
  const nothing = (what: string): AppError => new AppError('dataset.nothing_to_undo', `There is nothing to ${what}.`, 'Change something first.');

  return {
    'datasets.edit': ({ id, target, change }) => edit(id, labelOf(change), changesOf(change, targetItems(open.get(id), target))),
    'datasets.keepBest': ({ id }) => {
      const index = open.get(id);
      return edit(id, 'Keep the best of each group', index.groups().flatMap(({ keep, items: ids }) => ids.filter((i) => i !== keep && !index.item(i)!.excluded)
        .map((itemId) => ({ itemId, changes: { excluded: true, excludedReason: `a copy of ${index.item(keep)!.file}` } }))));
    },
    'datasets.undo': ({ id }) => { const step = journal.undo(id); if (!step) throw nothing('undo'); return changed(id, step.ids); },
    'datasets.redo': ({ id }) => { const step = journal.redo(id); if (!step) throw nothing('do again'); return changed(id, step.ids); },
    'datasets.save': ({ id, ids }) => save(id, ids),
    'datasets.resolve': ({ id, item_id, keep }) => {
      const [item] = targetItems(open.get(id), { ids: [item_id] });
      if (item!.conflictCaptions === null) throw new AppError('dataset.no_conflict', `${item!.file} has no conflict.`, 'Reload the page.', { item_id });
      const disk = item!.conflictCaptions;
      const settled = db.transaction(() => {
        items.update(item_id, { diskCaptions: disk, sidecarHash: item!.conflictHash, conflictCaptions: null, conflictHash: null });
        return keep === 'disk' ? journal.edit(id, 'Take the caption on disk', [{ itemId: item_id, changes: { captions: disk } }]) : [];
      })();
      return changed(id, settled.length > 0 ? settled : [item_id]);
    },
    'datasets.split': async ({ id, fraction, seed, redraw }) => {
      const all = open.get(id).items();
      const sides = drawSplit(all, fraction, seed, redraw ? new Map() : store.splits(id));
      db.transaction(() => {
        if (redraw) store.clearSplits(id);
        for (const item of all) if (item.contentHash !== null && item.width !== null && !item.excluded && !item.prior) store.setSplit(id, item.contentHash, sides.get(item.id)!);
      })();
      const result = await edit(id, 'Draw validation set', all.map((item) => ({ itemId: item.id, changes: { split: sides.get(item.id)! } })));
      const validation = result.dataset.counts.validation;
      return { ...result, validation, train: result.dataset.counts.included - validation };
    },
    'datasets.restore': ({ version_id }) => {
      const { version, content } = openVersion(context, version_id);
      return edit(version.dataset_id, `Restore version ${version.number}`, changesToRestore(open.get(version.dataset_id).items(), content.items));
    },
  };
}
