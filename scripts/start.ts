/** The second half of `npm start`, on Node 24: engine runtime, build, then the desktop app or, without one, the browser. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { appDir } from '../main/runtime/paths.ts';
import { terminalReport } from '../main/runtime/report.ts';
import { setupRuntime } from '../main/runtime/setup.ts';
import { build } from './build.ts';
import { findElectron } from './findElectron.ts';

const usage = `npm start -- [options]
  --browser      serve the app to the browser even where Electron is there
  --no-open      serve it and print its address, open nothing
  --port N       serve it on this port (without it: the one of last time, where it is free)
  --data FOLDER  the data folder, for runs, pictures' caches and the database
  --help         this text`;
const { values } = options();
if (values.help) { console.log(usage); process.exit(0); }
function options() {
  try {
    return parseArgs({ options: { port: { type: 'string' }, 'no-open': { type: 'boolean', default: false }, browser: { type: 'boolean', default: false }, data: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } } });
  } catch (error) {
    console.error(`${(error as Error).message.split('. ')[0]}.\n\n${usage}`);
    process.exit(2);
  }
}
const report = terminalReport();
await setupRuntime({ report });
report.stage('Building the window');
await build();

const electron = values.browser || values.port !== undefined || values['no-open'] ? undefined : findElectron(() => report.stage('Fetching Electron (without it the app opens in the browser)'));
report.line('');
const [command, args] = electron ? [electron, [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), appDir]] : [process.execPath, [join(appDir, 'main', 'core.ts'), '--serve', ...(values['no-open'] ? [] : ['--open']), ...(values.port ? ['--port', values.port] : [])]];
const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, LPL_NODE: process.execPath, ...(values.data ? { LPL_DATA: values.data } : {}) } });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => { process.exitCode = code ?? 1; });
