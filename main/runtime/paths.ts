/** Where things lie: the app's own files and the person's data folder. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folder that holds package.json, main/, resources/, dist/. */
export const appDir = join(import.meta.dirname, '..', '..');
export const resourcesDir = join(appDir, 'resources');
/** The package whose binding the engine loads, and where set-up keeps TensorFlow. */
export const tfjsDir = join(appDir, 'node_modules', '@tensorflow', 'tfjs-node-gpu');
export const defaultRuntimeDir = join(appDir, 'node_modules', '.lpl-runtime');

/** The person's data: database, runs, caches. LPL_DATA chooses another place. */
export function dataDir(env: NodeJS.ProcessEnv = process.env): string {
  if (env['LPL_DATA']) return env['LPL_DATA'];
  if (process.platform === 'win32') return join(env['APPDATA'] ?? join(homedir(), 'AppData', 'Roaming'), 'LPL Studio');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'LPL Studio');
  return join(env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'), 'lpl-studio');
}
