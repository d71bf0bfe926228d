/** The contract's shell.* methods: dialogs, and showing files in the file manager. */
import { BrowserWindow, dialog, shell } from 'electron';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { z } from 'zod';
import { AppError, toAppError } from '../main/contract/errors.ts';
import { shellMethods } from '../main/contract/system.ts';
import type { Handlers } from '../main/contract/method.ts';
import type { Run } from '../main/contract/runs.ts';
import type { Reply } from '../main/contract/wire.ts';
import type { Core } from './core.ts';

export type ShellCall = (method: string, params: unknown) => Promise<Reply>;
const titled = (title: string | undefined): { title?: string } => (title === undefined ? {} : { title });

function handlers(core: Core): Handlers<typeof shellMethods> {
  const window = (): BrowserWindow => BrowserWindow.getAllWindows()[0]!;
  return {
    'shell.pickFolder': async ({ title }) => ({ path: (await dialog.showOpenDialog(window(), { ...titled(title), properties: ['openDirectory'] })).filePaths[0] ?? null }),
    'shell.pickFiles': async ({ title, extensions }) => ({ paths: (await dialog.showOpenDialog(window(), { ...titled(title), properties: ['openFile', 'multiSelections'], ...(extensions.length > 0 ? { filters: [{ name: extensions.join(', '), extensions: extensions.map((e) => e.replace(/^\./, '')) }] } : {}) })).filePaths }),
    'shell.pickFile': async ({ title, extensions }) => ({ path: (await dialog.showOpenDialog(window(), { ...titled(title), properties: ['openFile'], ...(extensions.length > 0 ? { filters: [{ name: extensions.join(', '), extensions: extensions.map((e) => e.replace(/^\./, '')) }] } : {}) })).filePaths[0] ?? null }),
    'shell.saveFile': async ({ title, name }) => ({ path: (await dialog.showSaveDialog(window(), { ...titled(title), defaultPath: path.basename(name) })).filePath || null }),
    'shell.reveal': async ({ run_id, file }) => {
      const reply = await core.call('runs.get', { id: run_id });
      if ('error' in reply) throw new AppError(reply.error.code, reply.error.message, reply.error.hint);
      const { folder } = reply.result as Run;
      const target = file === undefined ? folder : path.resolve(folder, file);
      if (target !== folder && !target.startsWith(folder + path.sep)) throw new AppError('shell.outside', 'The file is not in the run\'s folder.', 'Choose one of the run\'s files.', {});
      if (!existsSync(target)) throw new AppError('file.not_found', `${target} is gone.`, 'It may have been moved or deleted outside the app.', { path: target });
      shell.showItemInFolder(target);
      return { ok: true };
    },
  };
}

export function createShellCall(core: Core): ShellCall {
  const table = handlers(core) as Record<string, (params: never) => unknown>;
  return async (method, params) => {
    try {
      const known = Object.hasOwn(shellMethods, method) ? shellMethods[method as keyof typeof shellMethods] as { params: z.ZodType } : undefined;
      if (!known) throw new AppError('method.unknown', `There is no method ${method}.`, 'Reload the window.', {});
      const parsed = known.params.safeParse(params ?? {});
      if (!parsed.success) throw new AppError('params.invalid', `${method} was called with wrong parameters: ${parsed.error.issues.map((i) => i.message).join('; ')}`, 'Reload the window.', {});
      return { epoch: '', n: 0, result: await table[method]!(parsed.data as never) };
    } catch (error) { return { epoch: '', n: 0, error: toAppError(error) }; }
  };
}
