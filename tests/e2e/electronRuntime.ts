/** The Electron that tests drive: today's where it is installed, else the 25.1.1 of tests/electron-runtime, unpacked once and checked by hash. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

export function electronBinary(): string {
  const own = join(root, 'node_modules', 'electron', 'dist', 'electron');
  if (existsSync(own)) return own;
  const recipe = join(root, 'tests', 'electron-runtime');
  const dir = join(root, 'node_modules', '.lpl-runtime', 'electron-25');
  const binary = join(dir, 'electron');
  if (existsSync(join(dir, 'version'))) return binary;
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: recipe, stdio: 'pipe' });
  const printed = execFileSync('bash', [join(recipe, 'extract.sh'), dir], { encoding: 'utf8' });
  const expected = readFileSync(join(recipe, 'ELECTRON_SHA256'), 'utf8').trim();
  if (!printed.startsWith(expected)) throw new Error(`the unpacked Electron is not the expected one: ${printed}`);
  return binary;
}
