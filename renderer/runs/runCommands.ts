/** Everything that can be done with a run, for its menu, the palette and keys. */
import type { Run } from '../../main/contract/runs.ts';
import { act } from '../app/act.ts';
import type { Command } from '../app/commands.svelte.ts';
import { toasts } from '../app/toasts.svelte.ts';
import { router } from '../app/router.svelte.ts';
import { isLive } from '../app/workspace.svelte.ts';
import { endRun } from './endRun.ts';

export type RunDialog = 'stop' | 'export' | 'prompts' | 'rename' | 'delete' | 'config' | 'log';
export type RunCommand = Omit<Command, 'group'> & { inMenu?: boolean };

export function runCommands(run: Run, open: (dialog: RunDialog) => void, shell: boolean): RunCommand[] {
  const live = isLive(run);
  const id = run.id;
  return [
    { id: 'run-sample', title: 'Sample now', keys: 'S', icon: 'picture', enabled: () => run.state === 'running', run: () => void act('runs.sampleNow', { id }, 'The sample prompts are drawn after this step.') },
    { id: 'run-pause', title: 'Pause', keys: 'P', icon: 'pause', enabled: () => run.state === 'running', run: () => void endRun('runs.pause', { id }) },
    { id: 'run-stop', title: 'Stop…', icon: 'stop', enabled: () => live, run: () => open('stop') },
    { id: 'run-resume', title: 'Go on', keys: 'R', icon: 'play', enabled: () => ['draft', 'paused', 'stopped', 'failed', 'lost'].includes(run.state), run: () => void act('runs.start', { id }) },
    { id: 'run-prompts', title: 'Change sample prompts…', icon: 'edit', inMenu: true, enabled: () => run.state === 'running', run: () => open('prompts') },
    { id: 'run-export', title: 'Export…', keys: 'E', icon: 'export', inMenu: true, enabled: () => run.state !== 'draft', run: () => open('export') },
    { id: 'run-config', title: 'Settings of this run…', keys: 'C', icon: 'settings', inMenu: true, run: () => open('config') },
    { id: 'run-pictures', title: 'The pictures it used…', icon: 'datasets', inMenu: true, enabled: () => run.state !== 'draft' && run.state !== 'queued', run: () => void pictures(id) },
    { id: 'run-log', title: 'Log…', keys: 'L', icon: 'file', inMenu: true, run: () => open('log') },
    { id: 'run-again', title: 'New run like this', icon: 'copy', inMenu: true, run: () => router.go(`/runs/new?from=${id}`) },
    { id: 'run-switch', title: run.lpl_enabled ? 'The same without LPL' : 'The same with LPL', icon: 'compare', inMenu: true, run: () => void switched(id) },
    { id: 'run-reveal', title: 'Show the folder', icon: 'folder', inMenu: true, enabled: () => shell, run: () => void act('shell.reveal', { run_id: id }) },
    { id: 'run-rename', title: 'Rename…', icon: 'edit', inMenu: true, run: () => open('rename') },
    { id: 'run-delete', title: 'Delete…', icon: 'trash', inMenu: true, enabled: () => !live, run: () => open('delete') },
  ];
}

async function pictures(run_id: string): Promise<void> {
  const used = await act('datasets.ofRun', { run_id });
  if (used) router.go(`/datasets/${used.dataset_id}?version=${used.version_id}`);
  else toasts.info('This run read a folder by itself.', 'Its folder holds the list of its pictures: dataset.json.');
}

async function switched(id: string): Promise<void> {
  const run = await act('runs.duplicate', { id, switch_lpl: true });
  if (run) router.go(`/runs/${run.id}`);
}
