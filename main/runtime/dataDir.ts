/** The person's data: database, runs, caches, and all that the app ever writes. No imports of ours: the desktop shell reads it too. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** LPL_DATA chooses another place. */
export function dataDir(env: NodeJS.ProcessEnv = process.env): string {
  if (env['LPL_DATA']) return env['LPL_DATA'];
  if (process.platform === 'win32') return join(env['APPDATA'] ?? join(homedir(), 'AppData', 'Roaming'), 'LPL Studio');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'LPL Studio');
  return join(env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'), 'lpl-studio');
}
