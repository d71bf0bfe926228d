/** Transport over the preload bridge of Electron. */
import type { Bridge } from '../../main/contract/wire.ts';
import type { Transport } from './transport.ts';

declare global {
  interface Window { lpl?: Bridge }
}

export const ipcTransport = (bridge: Bridge): Transport => ({
  invoke: (method, params) => bridge.invoke(method, params),
  subscribe: (subscription, push) => bridge.subscribe(subscription, push),
  pathOf: (file) => bridge.pathOf(file) || null,
  upload: () => Promise.reject(new Error('the shell tells where files lie')),
});
