/** Installs the packages that package-lock.json names when they are not all there. Node's own modules only. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root as appRoot } from './node24.mjs';

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));

/** Undefined for a file that a full disk left empty. */
function versionOf(file) {
  try { return readJson(file).version; } catch { return undefined; }
}

/** Packages that should be there in this version and are not (optional ones for other systems aside). */
export function missingPackages(root) {
  const { packages } = readJson(join(root, 'package-lock.json'));
  return Object.entries(packages).filter(([path, p]) => {
    if (path === '' || p.link) return false;
    const file = join(root, path, 'package.json');
    if (!existsSync(file)) return !(p.optional || p.peer || p.devOptional);
    return versionOf(file) !== p.version;
  }).map(([path]) => path.replace(/^.*node_modules\//, ''));
}

/**
 * Installs what is missing. Exits with what failed and what to do. npm writes node_modules/.package-lock.json last of all, and while it
 * works our own mark stands beside it: a folder that npm did not finish is never taken for whole, however many packages seem to be there.
 */
export function installPackages(root = appRoot) {
  const begun = join(root, 'node_modules', '.lpl-installing');
  const missing = missingPackages(root);
  const fresh = !existsSync(join(root, 'node_modules', '.package-lock.json')) || existsSync(begun);
  if (missing.length === 0 && !fresh) return;
  try {
    accessSync(root, constants.W_OK);
    mkdirSync(join(root, 'node_modules'), { recursive: true });
    if (existsSync(join(root, 'node_modules', '.package-lock.json'))) writeFileSync(begun, '');
  } catch (error) { fail(`Packages cannot be installed: ${error.message}`, hints[error.code] ?? hints.other); }
  console.log(fresh ? 'Installing packages (once; about a minute) …' : `Installing ${missing.length} changed package${missing.length === 1 ? '' : 's'} …`);
  const args = [fresh ? 'ci' : 'install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  const result = npm ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: 'inherit' }) : spawnSync('npm', args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
  if (result.error) fail(`Packages cannot be installed: npm could not be started (${result.error.message}).`, 'Install Node.js with npm from nodejs.org, then run the same command again.');
  if (result.status !== 0 && !nodeStarts(root)) dropNode(root);
  if (result.status !== 0) fail(`Installing packages failed${freeMb(root) < 1500 ? `: only ${freeMb(root)} MB are free in ${root}, and about 1,500 MB are needed` : ' (see what npm says above)'}.`, freeMb(root) < 1500 ? hints.ENOSPC : hints.other);
  const free = freeMb(root);
  if (free < FULL_MB) { // npm has been seen to call an installation done whose last files are empty
    dropNode(root);
    rmSync(join(root, 'node_modules', '.package-lock.json'), { force: true });
    fail(`Installing packages filled the disk: ${free} MB are free in ${root}, and files may be cut off.`, hints.ENOSPC);
  }
  if (!nodeStarts(root)) {
    dropNode(root); // a Node 24 of the system does as well
    if (Number(process.versions.node.split('.')[0]) < 24) {
      rmSync(join(root, 'node_modules', '.package-lock.json'), { force: true });
      fail('The Node 24 that was installed does not start: it was cut off, or this system cannot run it.', 'Run the same command again to fetch it anew, or install Node 24 from nodejs.org first.');
    }
  }
  const still = missingPackages(root);
  if (still.length > 0) fail(`These packages are still missing: ${still.slice(0, 5).join(', ')}${still.length > 5 ? ' …' : ''}.`, 'Delete the folder node_modules and run the same command again.');
  rmSync(begun, { force: true });
}

/** npm puts node_modules/.bin before everything else: a Node there that a full disk cut off would end the next try before it began. */
function dropNode(root) {
  for (const name of ['node', 'node.cmd', 'node.ps1']) rmSync(join(root, 'node_modules', '.bin', name), { force: true });
  const folder = packagedNode(root);
  if (folder) rmSync(folder, { recursive: true, force: true });
}
const packagedNode = (root) => (existsSync(join(root, 'node_modules')) ? readdirSync(join(root, 'node_modules')) : []).filter((name) => /^node-(linux|win|darwin)-/.test(name)).map((name) => join(root, 'node_modules', name))[0];

function nodeStarts(root) {
  const folder = packagedNode(root);
  return !folder || spawnSync(join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node'), ['--version'], { encoding: 'utf8' }).stdout?.startsWith('v') === true; // an empty file passes for a shell script that does nothing
}

const hints = {
  ENOSPC: 'Free some disk space, then run the same command again: it goes on from here.',
  EROFS: 'This folder may not be written. Move LPL Studio to where you may write, then run the same command again.',
  EACCES: 'This folder may not be written. Make it writable, or move LPL Studio to where you may write, then run the same command again.',
  other: 'Check the network connection (npm config set proxy … behind a proxy) and the free disk space, then run the same command again: it goes on from here.',
};

/** Says what failed and what to do, and ends. */
function fail(what, hint) {
  console.error(`\n${what}\n${hint}`);
  process.exit(1);
}

/** With less than this left after npm, something did not fit. */
const FULL_MB = 30;

function freeMb(dir) {
  try { const { bavail, bsize } = statfsSync(dir); return Math.floor((bavail * bsize) / 1e6); } catch { return Infinity; }
}
