/** `lpl serve` and `lpl setup`: the app in a browser, and the engine's runtime. */
import type { Command } from 'commander';
import { command, type Action } from './command.ts';

export function addApp(program: Command): void {
  command(program, 'serve', 'the app in a browser, on this machine only', async () => serve)
    .option('--port <number>', 'default: any free one').option('--open', 'open the browser').option('--data <folder>', 'another data folder');
  command(program, 'setup', 'install TensorFlow for the engine, or look whether it is there', async () => setup);
}

const serve: Action = async (_output, _args, o) => {
  const { runCore } = await import('../server/runCore.ts');
  await runCore({ ipc: false, port: o['port'] === undefined ? undefined : Number(o['port']), open: o['open'] === true, dataDir: o['data'] as string | undefined });
};

const setup: Action = async (output) => {
  const { setupRuntime } = await import('../runtime/setup.ts');
  const { terminalReport } = await import('../runtime/report.ts');
  const runtime = await setupRuntime({ report: terminalReport(process.stderr) });
  output.data(runtime);
  output.result(runtime.backend === 'tensorflow' ? `TensorFlow ${runtime.version}` : `wasm: ${runtime.problem}`);
  return runtime.backend === 'tensorflow' ? 0 : 1;
};
