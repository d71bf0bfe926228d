/** tfjs-node-gpu's own installer: TensorFlow 2.9, from storage.googleapis.com. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { AppError } from '../contract/errors.ts';
import type { Report } from './report.ts';

const host = 'https://storage.googleapis.com';

/** Throws setup.installer_failed. Its downloads know no time limit, so its server is asked for first. */
export async function officialInstaller(packageDir: string, report: Report): Promise<void> {
  report.stage('Trying the installer of tfjs-node-gpu');
  const failed = (details: Record<string, unknown>): AppError => new AppError('setup.installer_failed', 'The installer of tfjs-node-gpu failed too.', 'Check the network connection and start again.', details);
  await fetch(host, { method: 'HEAD', signal: AbortSignal.timeout(10_000) }).catch((error: Error) => { throw failed({ host, error: String(error.cause ?? error.message) }); });
  const result = spawnSync(process.execPath, [join(packageDir, 'scripts', 'install.js'), 'cpu', 'download'], { cwd: packageDir, encoding: 'utf8', timeout: 300_000 });
  if (result.status !== 0) throw failed({ output: (result.stdout + result.stderr).slice(-2_000) });
}
