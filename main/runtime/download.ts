/** Gets a wheel: with pip where there is one (it knows the machine's proxies and mirrors), else from PyPI itself. Goes on after a break. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { AppError } from '../contract/errors.ts';
import { findPip, type Pip } from './python.ts';
import type { Report } from './report.ts';

export interface Wanted { package: string; version?: string; platform: string; python: string; mb: number }

const isWheel = (name: string, { package: p, version }: Wanted): boolean => name.endsWith('.whl') && name.startsWith(`${p.replaceAll('-', '_')}-${version ?? ''}`);
const find = (dir: string, wanted: Wanted): string | undefined => (existsSync(dir) ? readdirSync(dir) : []).filter((n) => isWheel(n, wanted)).map((n) => join(dir, n))[0];

/** The path of the wheel in `dir`, downloaded if it is not there. Throws setup.no_network, setup.download_failed. */
export async function downloadWheel(wanted: Wanted, dir: string, report: Report): Promise<string> {
  mkdirSync(dir, { recursive: true });
  const there = find(dir, wanted);
  if (there) return there;
  const pip = findPip();
  const problems: string[] = [];
  for (const way of [...(pip ? [() => withPip(pip, wanted, dir, report)] : []), () => fromPypi(wanted, dir, report)]) {
    try { await way(); } catch (error) { problems.push((error as Error).message); continue; }
    const found = find(dir, wanted);
    if (found) return found;
  }
  throw new AppError('setup.download_failed', `${wanted.package} ${wanted.version ?? ''} could not be downloaded: ${problems.join(' ')}`,
    pip ? 'Check the network connection (pip config set global.proxy … behind a proxy) and start again: it goes on from here.' : 'Check the network connection, or install Python 3 with pip, and start again: it goes on from here.', { problems });
}

async function withPip(pip: Pip, wanted: Wanted, dir: string, report: Report): Promise<void> {
  const temporary = join(dir, 'pip');
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  const args = [...pip.args, 'download', '--no-deps', '--only-binary=:all:', '--no-cache-dir', '--progress-bar', 'off', '--quiet', '--disable-pip-version-check',
    '--python-version', wanted.python, '--platform', wanted.platform, '--dest', temporary, wanted.version ? `${wanted.package}==${wanted.version}` : wanted.package];
  const child = spawn(pip.command, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, TMPDIR: temporary, TEMP: temporary, TMP: temporary } });
  const watch = setInterval(() => report.stage(`Downloading ${wanted.package}`, folderMb(temporary), wanted.mb), 500);
  let errors = '';
  child.stderr.on('data', (d: Buffer) => { errors = (errors + String(d)).slice(-4_000); });
  try {
    const code = await new Promise<number | null>((resolve, reject) => { child.on('error', reject).on('close', resolve); });
    if (code !== 0) throw new Error(`pip says: ${errors.trim().split('\n').filter((l) => /error/i.test(l)).at(-1) ?? errors.trim() ?? `exit code ${code}`}.`);
    for (const name of readdirSync(temporary).filter((n) => n.endsWith('.whl'))) renameSync(join(temporary, name), join(dir, name));
  } finally {
    clearInterval(watch);
    rmSync(temporary, { recursive: true, force: true });
  }
}

function folderMb(dir: string): number {
  let bytes = 0;
  try {
    for (const e of readdirSync(dir, { recursive: true, withFileTypes: true })) if (e.isFile()) bytes += statSync(join(e.parentPath, e.name)).size;
  } catch { /* files come and go while pip works */ }
  return bytes / 1e6;
}

const projectSchema = z.object({ urls: z.array(z.object({ filename: z.string(), url: z.string(), size: z.number(), digests: z.object({ sha256: z.string() }) })) });

/** PyPI's JSON API; LPL_PYPI names another server with the same one. An interrupted download goes on where it stopped. */
async function fromPypi(wanted: Wanted, dir: string, report: Report): Promise<void> {
  const base = process.env['LPL_PYPI'] ?? 'https://pypi.org';
  const answer = await fetch(`${base}/pypi/${wanted.package}/${wanted.version ? `${wanted.version}/` : ''}json`).catch((error: Error) => { throw new Error(`${base} does not answer (${String(error.cause ?? error.message)}).`); });
  if (!answer.ok) throw new Error(`${base} answers ${answer.status}.`);
  const { urls } = projectSchema.parse(await answer.json());
  const file = urls.find((u) => u.filename.endsWith('.whl') && u.filename.includes(wanted.platform) && (/-(py3|py2\.py3)-none-/.test(u.filename) || u.filename.includes(`cp${wanted.python.replace('.', '')}-`)));
  if (!file) throw new Error(`${base} has no ${wanted.package} for ${wanted.platform}.`);
  const part = join(dir, `${file.filename}.part`);
  await resumeDownload(file.url, part, file.size, (mb) => report.stage(`Downloading ${wanted.package}`, mb, file.size / 1e6));
  const hash = createHash('sha256');
  await pipeline(createReadStream(part), hash);
  if (hash.digest('hex') !== file.digests.sha256) {
    rmSync(part);
    throw new Error(`${file.filename} arrived damaged.`);
  }
  renameSync(part, join(dir, file.filename));
}

async function resumeDownload(url: string, part: string, size: number, progress: (mb: number) => void): Promise<void> {
  let have = existsSync(part) ? statSync(part).size : 0;
  if (have === size) return;
  const response = await fetch(url, have > 0 ? { headers: { range: `bytes=${have}-` } } : {});
  if (!response.ok || !response.body) throw new Error(`${url} answers ${response.status}.`);
  if (response.status !== 206) have = 0;
  const out = createWriteStream(part, { flags: have > 0 ? 'a' : 'w' });
  await pipeline(response.body, async function* (pieces) {
    for await (const piece of pieces as AsyncIterable<Uint8Array>) {
      have += piece.length;
      progress(have / 1e6);
      yield piece;
    }
  }, out);
}
