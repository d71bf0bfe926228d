/** What ended unexpectedly, written down on this machine and sent nowhere: one readable file a crash, beside Electron's own dumps. */
import { app, crashReporter, dialog, type BrowserWindow } from 'electron';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const KEEP = 20;

export const crashFolder = (): string => path.join(app.getPath('userData'), 'crashes');

/** Before the app is ready: dumps of Electron's processes stay here too. */
export function keepDumps(): void {
  const dumps = path.join(crashFolder(), 'dumps');
  mkdirSync(dumps, { recursive: true });
  app.setPath('crashDumps', dumps);
  crashReporter.start({ uploadToServer: false });
}

/** Writes a report and returns its path; undefined when even that fails. Only the newest are kept. */
export function reportCrash(what: string, details: Record<string, unknown>): string | undefined {
  try {
    mkdirSync(crashFolder(), { recursive: true });
    const reports = readdirSync(crashFolder()).filter((name) => name.endsWith('.json')).sort();
    for (const old of reports.slice(0, Math.max(0, reports.length - KEEP + 1))) rmSync(path.join(crashFolder(), old), { force: true });
    const file = path.join(crashFolder(), `${new Date().toISOString().replace(/[:.]/g, '-')}-${what.replaceAll(/[^a-z]+/g, '-')}.json`);
    const report = { what, at: new Date().toISOString(), version: app.getVersion(), electron: process.versions.electron, system: `${os.type()} ${os.release()} ${process.arch}`, memory_mb: Math.round(os.totalmem() / 1e6), ...details };
    writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
    return file;
  } catch { return undefined; }
}

const stackOf = (error: unknown): string => (error instanceof Error ? error.stack ?? error.message : String(error));

/** A bug in the shell itself: written down and said; training and the core's data are in other processes. */
export function watchShell(): void {
  process.on('uncaughtException', (error) => {
    const file = reportCrash('shell', { stack: stackOf(error) });
    dialog.showErrorBox('LPL Studio has to close', `${error.message}\n\nTraining goes on by itself; start LPL Studio again to see it.${file ? `\nA report for the developers is in ${file}` : ''}`);
    app.exit(1);
  });
  process.on('unhandledRejection', (error) => { reportCrash('shell promise', { stack: stackOf(error) }); });
  app.on('child-process-gone', (_event, details) => { if (details.reason !== 'clean-exit' && details.reason !== 'killed') reportCrash(`${details.type.toLowerCase()} process`, { ...details }); });
}

/** A page that dies is written down; window.ts loads it again. */
export function watchWindow(window: BrowserWindow): void {
  window.webContents.on('render-process-gone', (_event, { reason, exitCode }) => {
    if (reason !== 'clean-exit') reportCrash('window', { reason, exit_code: exitCode, url: window.isDestroyed() ? null : window.webContents.getURL() });
  });
}
