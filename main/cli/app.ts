/** `lpl serve` and `lpl setup`: the app in a browser, and the engine's runtime. */
import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../contract/errors.ts';
import { appDir, isPackaged } from '../runtime/paths.ts';
import { command, type Action } from './command.ts';

export function addApp(program: Command): void {
  command(program, 'serve', 'the app in a browser, on this machine only', async () => serve)
    .option('--port <number>', 'default: the one of last time, else any free one').option('--open', 'open the browser').option('--data <folder>', 'another data folder');
  command(program, 'setup', 'install TensorFlow for the engine, or look whether it is there', async () => setup);
}

/** Throws server.no_window before the window was built. */
const serve: Action = async (_output, _args, o) => {
  const window = join(appDir, 'dist', 'renderer');
  if (!existsSync(join(window, 'index.html'))) throw new AppError('server.no_window', `The window's files are not in ${window}.`, isPackaged ? 'Install the app again.' : 'Run "npm run build" (or "npm start", which does it by itself), then try again.', { folder: window });
  const { runCore } = await import('../server/runCore.ts');
  await runCore({ ipc: false, port: o['port'] === undefined ? undefined : Number(o['port']), open: o['open'] === true, dataDir: o['data'] as string | undefined });
};

const setup: Action = async (output) => {
  process.once('SIGTERM', () => process.exit(143)); // downloads end with this process
  const { setupRuntime } = await import('../runtime/setup.ts');
  const { jsonReport, terminalReport } = await import('../runtime/report.ts');
  const runtime = await setupRuntime({ report: output.json ? jsonReport(output.data) : terminalReport(process.stderr) });
  if (runtime.error && runtime.backend === 'wasm') throw new AppError(runtime.error.code, runtime.error.message, runtime.error.hint, runtime.error.details);
  output.data(runtime);
  output.result(`TensorFlow ${runtime.version}`);
};
