/** The page's door into the shell: senders are checked, payloads validated, everything else goes to the core. */
import { ipcMain, type IpcMainEvent, type IpcMainInvokeEvent, type WebContents } from 'electron';
import { z } from 'zod';
import type { Reply } from '../main/contract/wire.ts';
import { appOrigin } from './appProtocol.ts';
import type { Core } from './core.ts';
import type { ShellCall } from './shellMethods.ts';

const topics = z.array(z.string().max(100)).max(100);
const subscriptionSchema = z.object({ topics, epoch: z.string().max(100).optional(), after: z.number().optional() });
const refused = (message: string): Reply => ({ epoch: '', n: 0, error: { code: 'shell.refused', message, hint: 'Reload the window.' } });

/** Only the main frame of a page of the app itself. */
function isOurs(event: IpcMainInvokeEvent | IpcMainEvent): boolean {
  const frame = event.senderFrame;
  if (!frame || frame.parent !== null) return false;
  try { const u = new URL(frame.url); return `${u.protocol}//${u.host}` === appOrigin; } catch { return false; }
}

export function openDoor(core: Core, shell: ShellCall): void {
  ipcMain.handle('lpl:invoke', async (event, method: unknown, params: unknown): Promise<Reply> => {
    if (!isOurs(event)) return refused('The request does not come from the app\'s window.');
    if (typeof method !== 'string' || method.length > 100) return refused('The request names no method.');
    return method.startsWith('shell.') ? shell(method, params) : core.call(method, params);
  });
  openSubscriptions(core);
}

/** Subscriptions end with the page that made them. */
function openSubscriptions(core: Core): void {
  const pages = new Map<number, Map<number, () => void>>();
  const endAll = (page: Map<number, () => void>): void => { for (const end of page.values()) end(); page.clear(); };
  const pageOf = (sender: WebContents): Map<number, () => void> => {
    const known = pages.get(sender.id);
    if (known) return known;
    const page = new Map<number, () => void>();
    pages.set(sender.id, page);
    sender.once('destroyed', () => { endAll(page); pages.delete(sender.id); });
    sender.on('did-start-navigation', (_event, _url, inPage, mainFrame) => { if (!inPage && mainFrame) endAll(page); });
    return page;
  };
  ipcMain.on('lpl:subscribe', (event, id: unknown, subscription: unknown) => {
    const parsed = subscriptionSchema.safeParse(subscription);
    if (!isOurs(event) || typeof id !== 'number' || !parsed.success) return;
    const { sender } = event;
    pageOf(sender).set(id, core.subscribe(parsed.data, (message) => { if (!sender.isDestroyed() && !sender.isCrashed()) sender.send('lpl:push', id, message); }));
  });
  ipcMain.on('lpl:unsubscribe', (event, id: unknown) => {
    if (typeof id !== 'number') return;
    const page = pageOf(event.sender);
    page.get(id)?.();
    page.delete(id);
  });
}
