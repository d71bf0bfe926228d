/** Choosing a folder or file without typing: the system's dialog in the desktop app, ours in a browser. */
import { call } from '../api/api.ts';
import { toasts } from './toasts.svelte.ts';
import { workspace } from './workspace.svelte.ts';

export interface PickRequest { kind: 'folder' | 'file' | 'either'; title: string; extensions?: string[] }

class Picker {
  request: (PickRequest & { answer: (path: string | null) => void }) | null = $state.raw(null);

  close(path: string | null): void {
    this.request?.answer(path);
    this.request = null;
  }
}
export const picker = new Picker();

const withDialog = (request: PickRequest): Promise<string | null> => new Promise((answer) => { picker.request = { ...request, answer }; });

/** The chosen path, or null when the person changed their mind. */
export async function pickPath(request: PickRequest): Promise<string | null> {
  if (!workspace.shell || request.kind === 'either') return withDialog(request);
  try {
    const { title, extensions = [] } = request;
    return (request.kind === 'folder' ? await call('shell.pickFolder', { title }) : await call('shell.pickFile', { title, extensions })).path;
  } catch (error) {
    toasts.fail(error);
    return null;
  }
}
