/** Choosing a folder or file without typing: the system's dialog in the desktop app, ours in a browser. */
import { call } from '../api/api.ts';
import { toasts } from './toasts.svelte.ts';
import { workspace } from './workspace.svelte.ts';

export interface PickRequest { kind: 'folder' | 'file' | 'either'; title: string; extensions?: string[]; /** several files of one folder */ many?: boolean }

class Picker {
  request: (PickRequest & { answer: (paths: string[]) => void }) | null = $state.raw(null);

  close(paths: string[]): void {
    this.request?.answer(paths);
    this.request = null;
  }
}
export const picker = new Picker();

const withDialog = (request: PickRequest): Promise<string[]> => new Promise((answer) => { picker.request = { ...request, answer }; });

/** The chosen path, or null when the person changed their mind. */
export async function pickPath(request: PickRequest): Promise<string | null> {
  if (!workspace.shell || request.kind === 'either') return (await withDialog(request))[0] ?? null;
  try {
    const { title, extensions = [] } = request;
    return (request.kind === 'folder' ? await call('shell.pickFolder', { title }) : await call('shell.pickFile', { title, extensions })).path;
  } catch (error) {
    toasts.fail(error);
    return null;
  }
}

/** Several files; none when the person changed their mind. */
export async function pickFiles(title: string, extensions: string[]): Promise<string[]> {
  if (!workspace.shell) return withDialog({ kind: 'file', title, extensions, many: true });
  try { return (await call('shell.pickFiles', { title, extensions })).paths; } catch (error) {
    toasts.fail(error);
    return [];
  }
}
