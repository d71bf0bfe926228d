/** Installs the packages that package-lock.json names when they are not all there. Node's own modules only. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './node24.mjs';

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));

/** Packages that should be there in this version and are not (optional ones for other systems aside). */
export function missingPackages() {
  const { packages } = readJson(join(root, 'package-lock.json'));
  return Object.entries(packages).filter(([path, p]) => {
    if (path === '' || p.link) return false;
    const file = join(root, path, 'package.json');
    if (!existsSync(file)) return !(p.optional || p.peer || p.devOptional);
    return readJson(file).version !== p.version;
  }).map(([path]) => path.replace(/^.*node_modules\//, ''));
}

/** Installs what is missing. Exits with what failed and what to do. */
export function installPackages() {
  const missing = missingPackages();
  if (missing.length === 0) return;
  const fresh = !existsSync(join(root, 'node_modules', '.package-lock.json'));
  console.log(fresh ? 'Installing packages (once; about a minute) …' : `Installing ${missing.length} changed package${missing.length === 1 ? '' : 's'} …`);
  const args = [fresh ? 'ci' : 'install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  const result = npm ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: 'inherit' }) : spawnSync('npm', args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
  if (result.status !== 0) {
    console.error('\nInstalling packages failed (see above).\nCheck the network connection and the free disk space, then run the same command again: it goes on from here.');
    process.exit(1);
  }
  const still = missingPackages();
  if (still.length > 0) {
    console.error(`These packages are still missing: ${still.slice(0, 5).join(', ')}${still.length > 5 ? ' …' : ''}.\nDelete the folder node_modules and run the same command again.`);
    process.exit(1);
  }
}
