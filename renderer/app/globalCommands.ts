/** Actions that are there on every page, and one per run, model and project so that the palette finds them by name. */
import { commands, type Command } from './commands.svelte.ts';
import { places } from './places.ts';
import { router } from './router.svelte.ts';
import { workspace } from './workspace.svelte.ts';

const go = (path: string) => (): void => router.go(path);

const always: Command[] = [
  { id: 'palette', title: 'Command palette', group: 'Window', keys: 'Mod+K', icon: 'search', run: () => { commands.paletteOpen = !commands.paletteOpen; } },
  { id: 'shortcuts', title: 'Keyboard shortcuts', group: 'Window', keys: '?', icon: 'keyboard', run: () => { commands.shortcutsOpen = true; } },
  { id: 'theme', title: 'Switch between light and dark', group: 'Window', icon: 'theme', words: 'theme colours', run: () => void workspace.changeSettings({ theme: document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark' }) },
  { id: 'go-start', title: 'Start page', group: 'Go to', keys: 'G H', icon: 'start', run: go('/') },
  ...places.map((p): Command => ({ id: `go${p.path}`, title: p.title, group: 'Go to', keys: p.keys, icon: p.icon, run: go(p.path) })),
  { id: 'go-doctor', title: 'Doctor: what this machine has', group: 'Go to', icon: 'settings', run: go('/settings/doctor') },
  { id: 'go-about', title: 'About and licences', group: 'Go to', icon: 'info', run: go('/settings/about') },
  { id: 'new-run', title: 'New run', group: 'Runs', keys: 'N', icon: 'plus', words: 'train fine-tune', run: go('/runs/new') },
];

export function globalCommands(): Command[] {
  const runs = (workspace.runs.value ?? []).map((r): Command => ({ id: `run-${r.id}`, title: r.name, group: 'Runs by name', icon: 'runs', words: r.notes, run: go(`/runs/${r.id}`) }));
  const models = (workspace.models.value ?? []).map((m): Command => ({ id: `model-${m.id}`, title: m.name, group: 'Models by name', icon: 'models', words: m.path, run: go(`/models/${m.id}`) }));
  const sets = (workspace.datasets.value ?? []).map((d): Command => ({ id: `set-${d.id}`, title: d.name, group: 'Data sets by name', icon: 'datasets', words: d.origin, run: go(`/datasets/${d.id}`) }));
  return [...always, ...runs, ...sets, ...models];
}
