/** Builds what is older than its sources: the window (Vite) and the desktop shell (esbuild). `--force` builds all. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { appDir } from '../main/runtime/paths.ts';

/** When the newest of these files and folders changed. */
function newest(paths: string[]): number {
  return Math.max(0, ...paths.map((path) => {
    const full = join(appDir, path);
    if (!existsSync(full)) return 0;
    const info = statSync(full);
    return info.isDirectory() ? Math.max(info.mtimeMs, newest(readdirSync(full).map((n) => join(path, n)))) : info.mtimeMs;
  }));
}

const isOld = (target: string, sources: string[]): boolean => !existsSync(join(appDir, target)) || statSync(join(appDir, target)).mtimeMs < newest([...sources, 'package-lock.json']);

/** Throws what the builders throw. */
export async function build({ force = false } = {}): Promise<string[]> {
  const built: string[] = [];
  if (force || isOld('dist/renderer/index.html', ['renderer', 'main/contract', 'vite.config.ts'])) {
    const { build: vite } = await import('vite');
    await vite({ configFile: join(appDir, 'vite.config.ts'), root: join(appDir, 'renderer'), logLevel: 'warn' });
    built.push('window');
  }
  if (existsSync(join(appDir, 'electron', 'main.ts')) && (force || isOld('dist/electron/main.cjs', ['electron', 'main/contract']))) {
    const { build: esbuild } = await import('esbuild');
    const common = { bundle: true, platform: 'node', format: 'cjs', target: 'node18', external: ['electron'] as string[], outdir: join(appDir, 'dist', 'electron'), outExtension: { '.js': '.cjs' }, logLevel: 'warning' } as const;
    await esbuild({ ...common, entryPoints: [join(appDir, 'electron', 'main.ts'), join(appDir, 'electron', 'preload.ts')] });
    built.push('desktop shell');
  }
  return built;
}

if (import.meta.main) {
  const built = await build({ force: process.argv.includes('--force') });
  console.log(built.length > 0 ? `Built: ${built.join(', ')}.` : 'Everything is up to date.');
}
