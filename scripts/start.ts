/** The second half of `npm start`, on Node 24: engine runtime, build, then the desktop app or the browser. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { appDir } from '../main/runtime/paths.ts';
import { build } from './build.ts';

const built = await build();
if (built.length > 0) console.log(`Built: ${built.join(', ')}.`);
const port = process.argv.includes('--port') ? ['--port', process.argv[process.argv.indexOf('--port') + 1]!] : [];
const open = process.argv.includes('--no-open') ? [] : ['--open'];
const child = spawn(process.execPath, [join(appDir, 'main', 'core.ts'), '--serve', ...open, ...port], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => { process.exitCode = code ?? 1; });
