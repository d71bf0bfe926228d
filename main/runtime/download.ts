/** Downloads a wheel. An interrupted download goes on where it stopped; what arrives is checked by its hash before it gets its name. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../contract/errors.ts';
import { isWheel, locateOnPypi, locateWithPip, pipArguments, runPip, type Located, type Wanted } from './locateWheel.ts';
import { findPip, type Pip } from './python.ts';
import type { Report } from './report.ts';
import { setupError } from './setupErrors.ts';

const find = (dir: string, wanted: Wanted): string | undefined => (existsSync(dir) ? readdirSync(dir) : []).filter((n) => isWheel(n, wanted)).map((n) => join(dir, n))[0];

/** The path of the wheel in `dir`, downloaded if it is not there. Throws setup.disk_full, setup.not_writable, setup.download_failed. */
export async function downloadWheel(wanted: Wanted, dir: string, report: Report): Promise<string> {
  mkdirSync(dir, { recursive: true });
  const there = find(dir, wanted);
  if (there) return there;
  report.stage(`Looking for ${wanted.package}`);
  const pip = findPip();
  const ways = [
    ...(pip ? [async () => { const found = await locateWithPip(pip, wanted, dir); if (found) await fetchFile(found, wanted, dir, report); }, () => withPip(pip, wanted, dir, report)] : []),
    async () => fetchFile(await locateOnPypi(wanted), wanted, dir, report),
  ];
  const problems: string[] = [];
  for (const way of ways) {
    try { await way(); } catch (error) {
      const known = setupError(error, dir);
      if (known instanceof AppError) throw known;
      problems.push((known as Error).message);
      continue;
    }
    const found = find(dir, wanted);
    if (found) return found;
  }
  const python = pip ? '' : ' There is no Python with pip on this machine, which knows of proxies and mirrors.';
  throw new AppError('setup.download_failed', `${[wanted.package, wanted.version].filter(Boolean).join(' ')} could not be downloaded: ${problems.join(' ')}${python}`,
    pip ? 'Check the network connection (pip config set global.proxy … behind a proxy) and start again: it goes on from here.' : 'Check the network connection, or install Python 3 with pip (Debian, Ubuntu: apt install python3-pip), and start again: it goes on from here.', { problems });
}

/** For where the address that pip names cannot be fetched by ourselves: a proxy, a mirror that wants a password. */
async function withPip(pip: Pip, wanted: Wanted, dir: string, report: Report): Promise<void> {
  const temporary = join(dir, 'pip');
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  const watch = setInterval(() => report.stage(`Downloading ${wanted.package}`, folderMb(temporary), wanted.mb), 500);
  try {
    await runPip(pip, ['download', '--progress-bar', 'off', '--dest', temporary, ...pipArguments(wanted)], temporary);
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

async function fetchFile({ filename, url, sha256, size }: Located, { package: name, mb }: Wanted, dir: string, report: Report): Promise<void> {
  const part = join(dir, `${filename}.part`);
  if (size === null || !existsSync(part) || statSync(part).size !== size) await resumeDownload(url, part, (have, total) => report.stage(`Downloading ${name}`, have / 1e6, total ? total / 1e6 : mb));
  const hash = createHash('sha256');
  await pipeline(createReadStream(part), hash);
  if (hash.digest('hex') !== sha256) {
    rmSync(part);
    throw new Error(`${filename} arrived damaged.`);
  }
  renameSync(part, join(dir, filename));
}

/** `progress`: bytes so far, of how many (0: not told). */
async function resumeDownload(url: string, part: string, progress: (have: number, total: number) => void): Promise<void> {
  let have = existsSync(part) ? statSync(part).size : 0;
  const where = new URL(url).host;
  const response = await fetch(url, have > 0 ? { headers: { range: `bytes=${have}-` } } : {}).catch((error: Error) => { throw new Error(`${where} does not answer (${String(error.cause ?? error.message)}).`); });
  if (response.status === 416) return; // all of it is there
  if (!response.ok || !response.body) throw new Error(`${where} answers ${response.status}.`);
  if (response.status !== 206) have = 0;
  const total = have + Number(response.headers.get('content-length') ?? Number.NaN) || 0;
  const out = createWriteStream(part, { flags: have > 0 ? 'a' : 'w' });
  await pipeline(response.body, async function* (pieces) {
    for await (const piece of pieces as AsyncIterable<Uint8Array>) {
      have += piece.length;
      progress(have, total);
      yield piece;
    }
  }, out);
}
