/** Closing the window while a run trains: go on in the background, stop and save, or stay. */
import { app, dialog, type BrowserWindow } from 'electron';
import type { Run } from '../main/contract/runs.ts';
import type { Settings } from '../main/contract/system.ts';
import type { Core } from './core.ts';

async function ask<T>(core: Core, method: string, params: unknown = {}): Promise<T | undefined> {
  const reply = await core.call(method, params);
  return 'error' in reply ? undefined : reply.result as T;
}
const running = async (core: Core): Promise<Run[]> => (await ask<{ running: Run[] }>(core, 'queue.list'))?.running ?? [];

async function choose(window: BrowserWindow, core: Core, runs: Run[]): Promise<Settings['on_close']> {
  const { on_close } = await ask<Settings>(core, 'settings.get') ?? { on_close: 'ask' as const };
  if (on_close !== 'ask') return on_close;
  const choices = ['background', 'stop', 'cancel'] as const;
  const { response, checkboxChecked } = await dialog.showMessageBox(window, {
    type: 'question', title: 'LPL Studio', message: runs.length === 1 ? `"${runs[0]!.name}" is still training.` : `${runs.length} runs are still training.`,
    detail: 'Training can go on in the background: start LPL Studio again to see it. Or stop it after the current step and save a checkpoint to resume from.',
    buttons: ['Keep training', 'Stop and save', 'Cancel'], defaultId: 0, cancelId: 2, checkboxLabel: 'Always do this', noLink: true,
  });
  const choice = choices[response] ?? 'cancel';
  if (checkboxChecked && choice !== 'cancel') await ask(core, 'settings.set', { changes: { on_close: choice } });
  return choice;
}

async function stopAll(core: Core, runs: Run[]): Promise<void> {
  await ask(core, 'queue.hold', { held: true });
  for (const run of runs) await ask(core, 'runs.stop', { id: run.id, save: true });
  for (let seconds = 0; seconds < 600 && (await running(core)).length > 0; seconds++) await new Promise((r) => setTimeout(r, 1_000));
  await ask(core, 'queue.hold', { held: false });
}

/** Asks before the window closes; quits once the core has ended. */
export function guardClosing(window: BrowserWindow, core: Core): void {
  let state: 'open' | 'asking' | 'closing' = 'open';
  window.on('close', (event) => {
    if (state === 'closing') return;
    event.preventDefault();
    if (state === 'asking') return;
    state = 'asking';
    void close().catch(() => 'closing' as const).then((next) => {
      state = next;
      if (next === 'closing') window.destroy();
    });
  });
  async function close(): Promise<'open' | 'closing'> {
    const runs = await running(core);
    const choice = runs.length === 0 ? 'background' : await choose(window, core, runs);
    if (choice === 'cancel') return 'open';
    if (choice === 'stop') { window.setTitle('LPL Studio: saving …'); await stopAll(core, runs); }
    return 'closing';
  }
  window.on('closed', () => { void core.close().finally(() => app.quit()); });
}
