/** A screen for tests: an Xvfb of their own. */
import { spawn } from 'node:child_process';

export interface Screen { display: string; close(): void }

/** Starts Xvfb on a free display number, which it tells itself. */
export function openScreen(): Promise<Screen> {
  return new Promise((resolve, reject) => {
    const child = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x900x24', '-nolisten', 'tcp', '-noreset'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
    child.on('error', (error) => reject(new Error(`Xvfb cannot be started (${error.message}): run .ci/run, or install xvfb`)));
    child.on('exit', (code) => reject(new Error(`Xvfb ended with exit code ${code}`)));
    child.stdio[3]!.once('data', (d: Buffer) => resolve({ display: `:${String(d).trim()}`, close: () => { child.removeAllListeners(); child.kill(); } }));
  });
}
