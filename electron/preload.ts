/** What the page gets: invoke, subscribe, and the path of a dropped file. Nothing else. */
import { contextBridge, ipcRenderer, webUtils } from 'electron';
import type { Bridge, Push, Reply } from '../main/contract/wire.ts';

let last = 0;
const pushes = new Map<number, (message: Push) => void>();
ipcRenderer.on('lpl:push', (_event, id: number, message: Push) => pushes.get(id)?.(message));

const bridge: Bridge = {
  invoke: (method, params) => ipcRenderer.invoke('lpl:invoke', method, params) as Promise<Reply>,
  subscribe(subscription, push) {
    const id = ++last;
    pushes.set(id, push);
    ipcRenderer.send('lpl:subscribe', id, subscription);
    return () => { pushes.delete(id); ipcRenderer.send('lpl:unsubscribe', id); };
  },
  // Electron before 32 has no webUtils and gives File a path instead
  pathOf: (file) => (webUtils as typeof webUtils | undefined)?.getPathForFile(file as File) ?? (file as { path?: string }).path ?? '',
};
contextBridge.exposeInMainWorld('lpl', bridge);
