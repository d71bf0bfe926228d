/** Actions that are there on every page, and one per run, comparison, model and data set so that the palette finds them by name. */
import { glossary } from '../../main/contract/glossary.ts';
import { call } from '../api/api.ts';
import { shownAsTrained } from '../datasets/shownAsTrained.ts';
import { endRun } from '../runs/endRun.ts';
import { act } from './act.ts';
import { away } from './needsCore.ts';
import { commands, type Command } from './commands.svelte.ts';
import { pickPath, type PickRequest } from './pickPath.svelte.ts';
import { places } from './places.ts';
import { router } from './router.svelte.ts';
import { toasts } from './toasts.svelte.ts';
import { workspace } from './workspace.svelte.ts';

const go = (path: string) => (): void => router.go(path);

async function startDemo(): Promise<void> {
  const made = await act('demo.start', {});
  if (made) router.go(`/compare/${made.id}`);
}
/** Asks for a file or folder, hands it over, and goes where it leads. */
const adding = (request: PickRequest, add: (path: string) => Promise<string>) => (): void => void pickPath(request).then(async (path) => { if (path) router.go(await add(path)); }).catch((e: unknown) => toasts.fail(e));
const addSet = async (path: string): Promise<string> => `/datasets/${(await call('datasets.import', { paths: [path], settings: shownAsTrained() })).dataset_id}`;
const addModel = async (path: string): Promise<string> => `/models/${(await call('models.add', { path })).id}`;

const always: Command[] = [
  { id: 'palette', title: 'Command palette', group: 'Window', keys: 'Mod+K', icon: 'search', run: () => { commands.paletteOpen = !commands.paletteOpen; } },
  { id: 'shortcuts', title: 'Keyboard shortcuts', group: 'Window', keys: '?', icon: 'keyboard', run: () => { commands.shortcutsOpen = true; } },
  { id: 'words', title: 'What the words mean', group: 'Window', icon: 'info', words: `glossary help ${glossary.map((w) => [w.term, ...(w.also ?? [])].join(' ')).join(' ')}`, run: () => { commands.wordsOpen = true; } },
  { id: 'theme', title: 'Switch between light and dark', group: 'Window', icon: 'theme', words: 'theme colours', run: () => void workspace.changeSettings({ theme: document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark' }) },
  { id: 'demo', title: 'Run the demo', group: 'Window', icon: 'play', run: () => void startDemo() },
  { id: 'go-start', title: 'Start page', group: 'Go to', keys: 'G H', icon: 'start', run: go('/') },
  ...places.map((p): Command => ({ id: `go${p.path}`, title: p.title, group: 'Go to', keys: p.keys, icon: p.icon, run: go(p.path) })),
  { id: 'go-projects', title: 'Projects', group: 'Go to', icon: 'settings', run: go('/settings/projects') },
  { id: 'go-doctor', title: 'Doctor: what this machine has', group: 'Go to', icon: 'settings', run: go('/settings/doctor') },
  { id: 'go-about', title: 'About and licences', group: 'Go to', icon: 'info', run: go('/settings/about') },
  { id: 'doctor-run', title: 'Check this machine', group: 'Window', icon: 'refresh', words: 'doctor measure speed', run: () => { router.go('/settings/doctor'); void act('doctor.run', {}); } },
  { id: 'set-add-folder', title: 'Add a folder of pictures…', group: 'Data sets', icon: 'folder', words: 'import data set', run: adding({ kind: 'folder', title: 'Choose a folder of pictures' }, addSet) },
  { id: 'set-add-zip', title: 'Add a zip of pictures…', group: 'Data sets', icon: 'file', words: 'import data set', run: adding({ kind: 'file', title: 'Choose a zip of pictures', extensions: ['zip'] }, addSet) },
  { id: 'model-file', title: 'Add a model file…', group: 'Models', icon: 'file', run: adding({ kind: 'file', title: 'Add a model file', extensions: ['safetensors'] }, addModel) },
  { id: 'model-folder', title: 'Add a model folder…', group: 'Models', icon: 'folder', run: adding({ kind: 'folder', title: 'Add a model folder in diffusers layout' }, addModel) },
  { id: 'new-run', title: 'New run', group: 'Runs', keys: 'N', icon: 'plus', words: 'train fine-tune', run: go('/runs/new') },
  { id: 'new-comparison', title: 'New comparison', group: 'Compare', icon: 'compare', words: 'baseline', run: go('/runs/new?compare=1') },
];

/** What can be done with whatever is under way, from any page. */
function underWay(): Command[] {
  const run = workspace.liveRun;
  const held = workspace.queue.value?.held ?? false;
  const paused = workspace.queueRows.find((r) => r.run.id === run?.id && r.entry.kind === 'comparison')?.entry;
  return [
    ...(run?.state === 'running' && !away() ? [
      { id: 'live-sample', title: `Sample now: ${run.name}`, group: 'Under way', icon: 'picture', run: () => void act('runs.sampleNow', { id: run.id }, 'The sample prompts are drawn after this step.') },
      paused ? { id: 'live-pause', title: `Pause: ${paused.name}`, group: 'Under way', icon: 'pause', run: () => void act('comparisons.pause', { id: paused.id }) }
        : { id: 'live-pause', title: `Pause: ${run.name}`, group: 'Under way', icon: 'pause', run: () => void endRun('runs.pause', { id: run.id }) },
    ] satisfies Command[] : []),
    { id: 'queue-hold', title: held ? 'Let the queue go on' : 'Hold the queue', group: 'Runs', icon: held ? 'play' : 'pause', run: () => void act('queue.hold', { held: !held }) },
    ...workspace.runningJobs.map((j): Command => ({ id: `cancel-${j.id}`, title: `Cancel: ${j.title}`, group: 'Under way', icon: 'close', run: () => void act('jobs.cancel', { id: j.id }) })),
  ];
}

export function globalCommands(): Command[] {
  const runs = (workspace.runs.value ?? []).map((r): Command => ({ id: `run-${r.id}`, title: r.name, group: 'Runs by name', icon: 'runs', words: r.notes, run: go(`/runs/${r.id}`) }));
  const comparisons = (workspace.comparisons.value ?? []).map((c): Command => ({ id: `comparison-${c.id}`, title: c.name, group: 'Comparisons by name', icon: 'compare', run: go(`/compare/${c.id}`) }));
  const models = (workspace.models.value ?? []).map((m): Command => ({ id: `model-${m.id}`, title: m.name, group: 'Models by name', icon: 'models', words: m.path, run: go(`/models/${m.id}`) }));
  const sets = (workspace.datasets.value ?? []).map((d): Command => ({ id: `set-${d.id}`, title: d.name, group: 'Data sets by name', icon: 'datasets', words: d.origin, run: go(`/datasets/${d.id}`) }));
  return [...always, ...runs, ...comparisons, ...sets, ...models, ...underWay()];
}
