/** A packed app as it lies on a disk: unpacked, looked at, started on a screen of its own, and connected to. Linux only. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, type Dirent } from 'node:fs';
import { join, resolve } from 'node:path';
import { FuseV1Options, getCurrentFuseWire } from '@electron/fuses';
import { until } from '../api/helpers.ts';
import { openDevtools, type DevtoolsPage } from './devtools.ts';
import { openScreen } from './xvfb.ts';

const everything = (folder: string): Dirent[] => readdirSync(folder, { recursive: true, withFileTypes: true });
export const filesIn = (folder: string): string[] => everything(folder).filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name)).sort();
export const megabytesIn = (folder: string): number => Math.round(filesIn(folder).reduce((sum, f) => sum + statSync(f).size, 0) / 1e6);

/** Unpacks a tar.gz into `work`; a folder is taken as it is. Returns the folder that holds the program. */
export function appFolder(given: string, work: string): string {
  if (statSync(given).isDirectory()) return resolve(given);
  const to = join(work, 'unpacked');
  mkdirSync(to);
  if (spawnSync('tar', ['xzf', resolve(given), '-C', to], { stdio: 'inherit' }).status !== 0) throw new Error(`${given} cannot be unpacked`);
  return join(to, readdirSync(to)[0]!);
}

/** Files in a person's home that are not in the data folder. GTK's and Mesa's caches and what pip's question for rustc leaves are not the app's own. */
export const strays = (home: string): string[] => filesIn(home).filter((f) => !f.startsWith(join(home, '.local', 'share', 'lpl-studio')) && !/\/(\.cache\/(dconf|mesa_shader_cache)|\.rustup)\//.test(f));

/** A digest of every file's place, size and time. */
export function stateOf(folder: string): string {
  const hash = createHash('sha256');
  for (const file of filesIn(folder)) { const { size, mtimeMs } = statSync(file); hash.update(`${file} ${size} ${mtimeMs}\n`); }
  return hash.digest('hex');
}

const wanted = { RunAsNode: false, EnableCookieEncryption: true, EnableNodeOptionsEnvironmentVariable: false, EnableNodeCliInspectArguments: false, EnableEmbeddedAsarIntegrityValidation: true, OnlyLoadAppFromAsar: true } as const;
/** The fuses that are not as the package should have them. */
export async function wrongFuses(program: string): Promise<string[]> {
  const wire = await getCurrentFuseWire(program) as Record<number, unknown>;
  const names = Object.keys(wanted) as (keyof typeof wanted)[];
  return names.filter((name) => wire[FuseV1Options[name]] !== (wanted[name] ? '1' : '0').charCodeAt(0));
}

export interface PackagedApp { page: DevtoolsPage; process: ChildProcess; log: () => string; /** asks it to close; its exit code */ close(): Promise<number | null>; kill(): void }

/** Starts the program with `home` as the person's home folder. Chromium's debugging port leads to its page: a fuse has switched off Node's. */
export async function startPackaged(program: string, home: string, more: NodeJS.ProcessEnv = {}): Promise<PackagedApp> {
  const screen = await openScreen();
  const { LPL_DATA: _data, LPL_NODE: _node, LPL_RUNTIME: _runtime, LPL_TRAINER: _trainer, NODE_OPTIONS: _options, NODE_COMPILE_CACHE: _compiled, ...env } = process.env;
  const child = spawn(program, [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '--remote-debugging-port=0'], {
    stdio: ['ignore', 'pipe', 'pipe'], cwd: home, env: { ...env, DISPLAY: screen.display, HOME: home, XDG_CONFIG_HOME: join(home, '.config'), XDG_CACHE_HOME: join(home, '.cache'), XDG_DATA_HOME: '', ...more },
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (d: Buffer) => { log = (log + String(d)).slice(-20_000); });
  const ended = new Promise<number | null>((done) => { child.once('exit', (code) => { screen.close(); done(code); }); });
  const port = join(home, '.local', 'share', 'lpl-studio', 'shell', 'DevToolsActivePort');
  const kill = (): void => { child.kill('SIGKILL'); screen.close(); };
  try {
    await until(async () => { if (child.exitCode !== null) throw new Error(`the app ended with exit code ${child.exitCode}: ${log}`); return existsSync(port); }, `the app's window: ${log}`, 120_000);
    const page = await until(() => openDevtools(Number(readFileSync(port, 'utf8').split('\n')[0]), 'lpl://app/'), 'the page', 120_000);
    await until(() => page.evaluate(() => document.querySelector('main > *') !== null, null), 'the window\'s contents', 120_000);
    return { page, process: child, log: () => log, kill, async close() { page.close(); child.kill('SIGTERM'); return ended; } };
  } catch (error) { kill(); throw error; }
}
