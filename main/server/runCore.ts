/** Runs the core until it is told to end: takes the lock, makes the services, opens a transport. */
import { join } from 'node:path';
import { AppError } from '../contract/errors.ts';
import type { Settings } from '../contract/system.ts';
import { announceBinding, appDir, dataDir as defaultDataDir } from '../runtime/paths.ts';
import type { Services } from '../services.ts';
import { mayClose } from './closing.ts';
import { startServer, type LoopbackServer } from './httpServer.ts';
import { takeLock, type InstanceLock } from './instanceLock.ts';
import { serveIpc } from './ipcServer.ts';
import { openBrowser } from './openBrowser.ts';
import { createRouter, type Call } from './router.ts';

export interface CoreOptions { ipc: boolean; port?: number | undefined; open: boolean; dataDir?: string | undefined }

/** Throws AppError db.*, server.port_taken; app.already_running is answered by opening the running one. */
export async function runCore({ ipc, port, open, dataDir = defaultDataDir() }: CoreOptions): Promise<void> {
  const log = (line: string): void => { process.stderr.write(`${new Date().toISOString()} ${line}\n`); };
  process.stderr.on('error', () => undefined); // the shell that reads it may be gone
  announceBinding();
  process.env['LPL_CACHE'] ??= join(dataDir, 'cache'); // latents and captions of the runs
  const lock = lockOrVisit(dataDir, ipc, open);
  if (!lock) return;
  let services: Services;
  try {
    const { createServices } = await import('../services.ts');
    services = await createServices({ dataDir, log, shell: ipc, ...fakeTrainer() });
  } catch (error) { lock.release(); throw error; }
  const call = createRouter(services.handlers, services.hub, { checkResults: process.env['LPL_CHECK_RESULTS'] === '1', log, explain: services.explain });
  const serveAt = (p: number): Promise<LoopbackServer> => startServer({ call, ...services, windowDir: join(appDir, 'dist', 'renderer'), port: p });
  const server = ipc ? undefined : await (port === undefined ? whereItWas(call, serveAt) : serveAt(port)).catch(async (error: unknown) => { await services.close(); lock.release(); throw error; });
  let ending = false;
  const end = async (): Promise<void> => {
    if (ending) return;
    ending = true;
    await server?.close();
    await services.close();
    lock.release();
    process.exit(0);
  };
  // the terminal's Ctrl+C reaches this process from several sides at once: one question is enough
  let asking = false;
  const askedToEnd = async (): Promise<void> => {
    if (asking) return;
    asking = true;
    const may = await mayClose(call).catch(() => true);
    asking = false;
    if (may) await end();
  };
  process.on('SIGINT', () => void (ipc ? end() : askedToEnd()));
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end());
  if (ipc) { serveIpc({ call, ...services }, end); return; }
  lock.announce(server!.url);
  if (open) openBrowser(server!.url);
  process.stdout.write(`LPL Studio is ready: ${server!.url}\nCtrl+C in this terminal stops it.\n`);
}

/** At the port of last time, so that a bookmark and a tab left open find the app again; at any free one where another program has it. */
async function whereItWas(call: Call, serveAt: (port: number) => Promise<LoopbackServer>): Promise<LoopbackServer> {
  const reply = await call('settings.get', {}), last = 'error' in reply ? 0 : (reply.result as Settings).port;
  const server = await serveAt(last).catch((error: unknown) => { if (last === 0) throw error; return serveAt(0); });
  if (server.port !== last) await call('settings.set', { changes: { port: server.port } });
  return server;
}

/** Tests put a scripted training process in place of the engine. */
function fakeTrainer(): { trainer?: { node: string; args: string[] } } {
  const entry = process.env['LPL_TRAINER'];
  return entry ? { trainer: { node: process.execPath, args: [entry] } } : {};
}

function lockOrVisit(dataDir: string, ipc: boolean, open: boolean): InstanceLock | undefined {
  try { return takeLock(dataDir); } catch (error) {
    const url = error instanceof AppError && error.code === 'app.already_running' ? error.details?.['url'] : undefined;
    if (ipc || typeof url !== 'string') throw error;
    if (open) openBrowser(url);
    process.stdout.write(`LPL Studio is ready: ${url}\n`);
    return undefined;
  }
}
