/** Engine work that is not training (export, estimate, doctor's probe) runs as a child: the core never loads TensorFlow. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { AppError, appErrorSchema } from '../contract/errors.ts';
import { cudaEnv } from '../runtime/cudaEnv.ts';
import { appDir, defaultRuntimeDir } from '../runtime/paths.ts';

export interface ChildOptions { signal?: AbortSignal; /** every JSON line of stdout */ onLine?: (value: unknown) => void; cwd?: string; env?: NodeJS.ProcessEnv; /** how an aborted child is ended: SIGTERM lets it save, SIGKILL does not wait */ killSignal?: NodeJS.Signals }

/** Runs a TypeScript entry of the app with JSON lines on stdout; resolves with all of them. Throws the error line it printed, or trainer.child_failed. */
export async function runChild(entry: string, args: string[], { signal, onLine, cwd, env, killSignal = 'SIGTERM' }: ChildOptions = {}): Promise<unknown[]> {
  const child = spawn(process.execPath, [join(appDir, entry), ...args], { stdio: ['ignore', 'pipe', 'pipe'], cwd: cwd ?? appDir, env: { ...process.env, ...cudaEnv(defaultRuntimeDir), TF_CPP_MIN_LOG_LEVEL: '2', ...env }, ...(signal ? { signal, killSignal } : {}) });
  const lines: unknown[] = [];
  let rest = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    const parts = (rest + piece).split('\n');
    rest = parts.pop()!;
    for (const value of parts.flatMap(parseLine)) { lines.push(value); onLine?.(value); }
  });
  child.stderr.setEncoding('utf8').on('data', (piece: string) => { stderr = (stderr + piece).slice(-16_384); });
  const code = await new Promise<number | null>((resolve, reject) => { child.on('error', reject).on('close', resolve); });
  lines.push(...parseLine(rest));
  if (code !== 0) throw childError(lines, entry, code, stderr);
  return lines;
}

function parseLine(line: string): unknown[] {
  try { return line.trim() === '' ? [] : [JSON.parse(line) as unknown]; } catch { return []; }
}

function childError(lines: unknown[], entry: string, code: number | null, stderr: string): unknown {
  for (const line of lines.toReversed()) {
    const parsed = appErrorSchema.safeParse((line as { error?: unknown }).error);
    if (parsed.success) return new AppError(parsed.data.code, parsed.data.message, parsed.data.hint, parsed.data.details);
  }
  return new AppError('child.failed', `${entry} ended with exit code ${code}: ${stderr.trim().split('\n').at(-1) ?? ''}`, 'Look at the details; run "npm run lpl -- doctor" if TensorFlow seems to be missing.', { code, stderr });
}
