/** Where a wheel lies: asked of pip where there is one (it knows the machine's proxies and mirrors), else of PyPI itself. */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Pip } from './python.ts';

export interface Wanted { package: string; version?: string; platforms: string[]; python: string; mb: number }
/** `size` in bytes; null when it is not told before the download */
export interface Located { filename: string; url: string; sha256: string; size: number | null }

const reportSchema = z.object({ install: z.array(z.object({ download_info: z.object({ url: z.string(), archive_info: z.object({ hash: z.string() }) }) })).min(1) });
const LOCATE_MS = 60_000;

export const pipArguments = ({ package: name, version, platforms, python }: Wanted): string[] => [
  '--no-deps', '--only-binary=:all:', '--no-cache-dir', '--quiet', '--disable-pip-version-check', '--timeout', '15', '--retries', '2',
  '--python-version', python, ...platforms.flatMap((p) => ['--platform', p]), version ? `${name}==${version}` : name,
];

/** Runs pip in `dir`; resolves with stdout. Throws what pip said. */
export async function runPip(pip: Pip, args: string[], dir: string, timeout?: number): Promise<string> {
  const child = spawn(pip.command, [...pip.args, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TMPDIR: dir, TEMP: dir, TMP: dir }, ...(timeout ? { timeout, killSignal: 'SIGKILL' } : {}) });
  const end = (): void => { child.kill(); };
  process.once('exit', end); // pip would go on without us
  let out = '', errors = '';
  child.stdout.on('data', (d: Buffer) => { out += String(d); });
  child.stderr.on('data', (d: Buffer) => { errors = (errors + String(d)).slice(-8_000); });
  const code = await new Promise<number | null>((resolve, reject) => { child.on('error', reject).on('close', resolve); }).finally(() => process.off('exit', end));
  if (code === 0) return out;
  throw new Error(`pip says: ${errors.trim().split('\n').filter((l) => /error/i.test(l)).at(-1) || errors.trim() || `exit code ${code}`}.`);
}

/** Where pip would take it from (pip >= 22.2); undefined when pip does not say, or says it of something that is no download. */
export async function locateWithPip(pip: Pip, wanted: Wanted, dir: string): Promise<Located | undefined> {
  const target = join(dir, 'nothing');
  try {
    const text = await runPip(pip, ['install', '--dry-run', '--ignore-installed', '--report', '-', '--target', target, ...pipArguments(wanted)], dir, LOCATE_MS);
    const { url, archive_info } = reportSchema.parse(JSON.parse(text)).install[0]!.download_info;
    const [kind, sha256] = archive_info.hash.split('=');
    const address = new URL(url);
    return kind === 'sha256' && sha256 && /^https?:$/.test(address.protocol) ? { filename: decodeURIComponent(address.pathname.split('/').at(-1)!), url, sha256, size: null } : undefined;
  } catch { return undefined; } finally { rmSync(target, { recursive: true, force: true }); }
}

const projectSchema = z.object({ files: z.array(z.object({ filename: z.string(), url: z.string(), size: z.number().optional(), hashes: z.object({ sha256: z.string().optional() }) })) });

/** The simple index in its JSON form (PEP 691), which mirrors have too; LPL_PYPI names another than PyPI. */
export async function locateOnPypi(wanted: Wanted): Promise<Located> {
  const base = process.env['LPL_PYPI'] ?? 'https://pypi.org', page = `${base}/simple/${wanted.package}/`;
  const answer = await fetch(page, { headers: { accept: 'application/vnd.pypi.simple.v1+json' }, signal: AbortSignal.timeout(20_000) })
    .catch((error: Error) => { throw new Error(`${base} does not answer (${String(error.cause ?? error.message)}).`); });
  if (!answer.ok) throw new Error(`${base} answers ${answer.status}.`);
  const { files } = projectSchema.parse(await answer.json());
  const cpython = `-cp${wanted.python.replace('.', '')}-`;
  const file = files.find((f) => isWheel(f.filename, wanted) && f.hashes.sha256 && wanted.platforms.some((p) => f.filename.includes(p)) && (/-(py3|py2\.py3)-none-/.test(f.filename) || f.filename.includes(cpython)));
  if (!file) throw new Error(`${base} has no ${[wanted.package, wanted.version].filter(Boolean).join(' ')} for ${wanted.platforms[0]}.`);
  return { filename: file.filename, url: new URL(file.url, page).href, sha256: file.hashes.sha256!, size: file.size ?? null };
}

/** Whether a file is a wheel of this package and version. */
export const isWheel = (name: string, { package: p, version }: Wanted): boolean => name.endsWith('.whl') && name.startsWith(`${p.replaceAll('-', '_')}-${version ? `${version}-` : ''}`);
