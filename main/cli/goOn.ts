/** What `lpl train` says at the end of a run that was stopped: what is saved, and the command that goes on with it. */
import { basename, isAbsolute, relative } from 'node:path';
import { listCheckpoints } from '../engine/run/checkpointStore.ts';
import { runFolder } from '../engine/run/runFolder.ts';

/** How this program was started: by npm's script, as `lpl`, or by Node with the file. */
export interface Started { script: string | undefined; node: string; file: string; cwd: string; windows: boolean }
const started = (): Started => ({ script: process.env['npm_lifecycle_event'], node: process.execPath, file: process.argv[1] ?? '', cwd: process.cwd(), windows: process.platform === 'win32' });

/** The command line that goes on with the run in `dir`, to be typed where this one was. */
export function goOnCommand(dir: string, { script, node, file, cwd, windows }: Started = started()): string {
  const short = (path: string): string => { const inside = relative(cwd, path); return inside === '' || inside.startsWith('..') || isAbsolute(inside) ? path : inside; };
  const quoted = (text: string): string => (/^[\w./\\:@%+=,-]+$/.test(text) ? text : windows ? `"${text}"` : `'${text.replaceAll("'", "'\\''")}'`);
  const program = script === 'lpl' ? ['npm', 'run', 'lpl', '--'] : /^lpl(\.cmd)?$/.test(basename(file)) ? ['lpl'] : [node, short(file)];
  return [...program, 'train', short(dir)].map(quoted).join(' ');
}

/** Two lines for people. */
export function howToGoOn(dir: string, command = goOnCommand(dir)): string {
  const newest = listCheckpoints(runFolder(dir).checkpoints).at(-1);
  return newest ? `Saved: ${newest}. To go on from there:\n  ${command}` : `Nothing is saved yet. To start this run from the beginning:\n  ${command}`;
}
