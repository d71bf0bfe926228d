/** Everything that can be done with a data set, for its menu, the palette and keys. */
import { act } from '../app/act.ts';
import type { Command } from '../app/commands.svelte.ts';
import { pickPath } from '../app/pickPath.svelte.ts';
import type { Curation } from './curation.svelte.ts';

export type CurateDialog = 'preview' | 'folders' | 'replace' | 'trigger' | 'split' | 'versions' | 'export' | 'settings' | 'delete' | 'rename' | 'groups';
export type CurateCommand = Omit<Command, 'group'> & { inMenu?: boolean };

export function curateCommands(c: Curation, open: (dialog: CurateDialog) => void): CurateCommand[] {
  const id = c.id;
  const some = (): boolean => c.waits || c.selection.ids.size > 0;
  const one = (): boolean => c.waits || c.selection.focus !== null;
  /** it is about the pictures shown: waits for those that a filter is about to find */
  const then = (run: () => unknown) => (): void => c.onList(() => void run());
  const favourites = c.dataset.value?.settings.favourites ?? [];
  return [
    { id: 'set-preview', title: 'Look at it 1:1', keys: ' ', icon: 'picture', enabled: one, run: () => open('preview') },
    { id: 'set-edit', title: 'Edit the caption', keys: 'E', icon: 'edit', enabled: one, run: then(() => c.edit()) },
    { id: 'set-next', title: 'Next picture, also while editing', keys: 'Mod+ArrowDown', icon: 'down', run: then(() => c.step('ArrowRight')) },
    { id: 'set-previous', title: 'Picture before, also while editing', keys: 'Mod+ArrowUp', icon: 'up', run: then(() => c.step('ArrowLeft')) },
    { id: 'set-exclude', title: 'Exclude or include', keys: 'X', icon: 'close', enabled: some, run: then(() => c.toggleExcluded()) },
    { id: 'set-all', title: 'Select all', keys: 'Mod+A', icon: 'check', run: then(() => c.pickAll()) },
    { id: 'set-undo', title: 'Undo', keys: 'Mod+Z', icon: 'undo', run: then(() => c.undo()) },
    { id: 'set-redo', title: 'Redo', keys: 'Mod+Shift+Z', icon: 'redo', run: then(() => c.redo()) },
    { id: 'set-find', title: 'Filter', keys: '/', icon: 'filter', run: () => document.getElementById('dataset-filter')?.focus() },
    { id: 'set-save', title: 'Save captions', keys: 'Mod+S', icon: 'check', run: then(() => act('datasets.save', { id }).then(() => c.refresh())) },
    ...favourites.map((tag, i): CurateCommand => ({ id: `set-tag-${i}`, title: `Tag “${tag}” on or off`, keys: String(i + 1), icon: 'edit', enabled: some, run: then(() => c.toggleTag(tag)) })),
    { id: 'set-replace', title: 'Find and replace…', keys: 'Mod+H', icon: 'search', inMenu: true, run: () => open('replace') },
    { id: 'set-trigger', title: 'Put a trigger word in front…', icon: 'edit', inMenu: true, run: () => open('trigger') },
    { id: 'set-folders', title: 'Repeats and class words by folder…', icon: 'folder', inMenu: true, run: () => open('folders') },
    { id: 'set-groups', title: 'Groups of duplicates…', icon: 'copy', inMenu: true, run: () => open('groups') },
    { id: 'set-best', title: 'Keep the best of duplicates', icon: 'copy', inMenu: true, run: then(() => act('datasets.keepBest', { id }).then(() => c.refresh())) },
    { id: 'set-split', title: 'Validation pictures…', icon: 'compare', inMenu: true, run: () => open('split') },
    { id: 'set-versions', title: 'Versions and history…', icon: 'refresh', inMenu: true, run: () => open('versions') },
    { id: 'set-export', title: 'Export…', icon: 'export', inMenu: true, run: () => open('export') },
    { id: 'set-rescan', title: 'Read the folder again', icon: 'refresh', inMenu: true, run: () => void act('datasets.rescan', { id }) },
    { id: 'set-relocate', title: 'The folder moved…', icon: 'folder', inMenu: true, run: () => void relocate(id) },
    { id: 'set-settings', title: 'Settings of this data set…', icon: 'settings', inMenu: true, run: () => open('settings') },
    { id: 'set-rename', title: 'Rename…', icon: 'edit', inMenu: true, run: () => open('rename') },
    { id: 'set-delete', title: 'Take off the list…', icon: 'trash', inMenu: true, run: () => open('delete') },
  ];
}

async function relocate(id: string): Promise<void> {
  const path = await pickPath({ kind: 'folder', title: 'Where are these pictures now?' });
  if (path) await act('datasets.relocate', { id, path });
}
