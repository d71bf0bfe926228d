/** Finds a Python with pip, only to download a wheel: nothing is installed into it. */
import { spawnSync } from 'node:child_process';

export interface Pip { command: string; args: string[] }

/** LPL_PYTHON, python3, python or py. Undefined when there is none with pip. */
export function findPip(): Pip | undefined {
  const candidates: Pip[] = [process.env['LPL_PYTHON'], 'python3', 'python'].filter((c) => c !== undefined && c !== '').map((command) => ({ command: command!, args: ['-m', 'pip'] }));
  if (process.platform === 'win32') candidates.push({ command: 'py', args: ['-3', '-m', 'pip'] });
  return candidates.find(({ command, args }) => spawnSync(command, [...args, '--version'], { stdio: 'ignore', timeout: 20_000 }).status === 0);
}
