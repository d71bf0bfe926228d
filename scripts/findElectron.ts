/** The Electron that can be started here: one named by ELECTRON_OVERRIDE_DIST_PATH, or the one of the electron package, fetched if it can be had. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { appDir, defaultRuntimeDir } from '../main/runtime/paths.ts';

const packageDir = join(appDir, 'node_modules', 'electron');
const binaryName = process.platform === 'win32' ? 'electron.exe' : process.platform === 'darwin' ? 'Electron.app/Contents/MacOS/Electron' : 'electron';
/** when fetching it last failed: a firewall that swallows packets must not delay every start */
const failedFile = join(defaultRuntimeDir, 'electron-failed');
const AGAIN_MS = 24 * 3_600_000;

function installed(): string | undefined {
  const override = process.env['ELECTRON_OVERRIDE_DIST_PATH'];
  const path = override ? join(override, binaryName) : existsSync(join(packageDir, 'path.txt')) ? join(packageDir, 'dist', readFileSync(join(packageDir, 'path.txt'), 'utf8').trim()) : undefined;
  return path && existsSync(path) ? path : undefined;
}

const hasDisplay = (): boolean => process.platform !== 'linux' || Boolean(process.env['DISPLAY'] || process.env['WAYLAND_DISPLAY']);
const failedLately = (): boolean => existsSync(failedFile) && Date.now() - statSync(failedFile).mtimeMs < AGAIN_MS;

/**
 * Undefined where there is no display, or where Electron's own installer cannot fetch the binary: then the browser serves as well.
 * Fetching is tried once a day. `telling` is called before it.
 */
export function findElectron(telling: () => void): string | undefined {
  if (!hasDisplay()) return undefined;
  const there = installed();
  if (there || !existsSync(packageDir) || failedLately()) return there;
  telling();
  spawnSync(process.execPath, [join(packageDir, 'install.js')], { cwd: packageDir, stdio: 'ignore', timeout: 120_000, env: { ...process.env, electron_config_cache: join(defaultRuntimeDir, 'electron') } });
  const fetched = installed();
  if (!fetched) try { mkdirSync(dirname(failedFile), { recursive: true }); writeFileSync(failedFile, ''); } catch { /* asked again next time */ }
  return fetched;
}
