/** Where latents and text embeddings are kept between runs. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** LPL_CACHE, else the system's place for caches. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  if (env['LPL_CACHE']) return env['LPL_CACHE'];
  if (process.platform === 'win32') return join(env['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'lpl-studio', 'cache');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'lpl-studio');
  return join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'lpl-studio');
}
