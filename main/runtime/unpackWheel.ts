/** Takes single files out of a wheel (a zip), checked against the hashes that the wheel's RECORD names. */
import { createHash } from 'node:crypto';
import { createWriteStream, mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import yauzl from 'yauzl';
import { AppError } from '../contract/errors.ts';

const open = (file: string): Promise<yauzl.ZipFile> => new Promise((resolve, reject) => {
  yauzl.open(file, { lazyEntries: true, autoClose: false }, (error, zip) => (error ? reject(new AppError('setup.wheel_damaged', `${file} cannot be unpacked: ${error.message}`, 'Start again: it is downloaded anew.', { file })) : resolve(zip)));
});
const stream = (zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<NodeJS.ReadableStream> => new Promise((resolve, reject) => {
  zip.openReadStream(entry, (error, s) => (error ? reject(error) : resolve(s)));
});
const entries = (zip: yauzl.ZipFile): Promise<yauzl.Entry[]> => new Promise((resolve, reject) => {
  const all: yauzl.Entry[] = [];
  zip.on('entry', (e: yauzl.Entry) => { all.push(e); zip.readEntry(); }).on('end', () => resolve(all)).on('error', reject);
  zip.readEntry();
});

/** RECORD: "path,sha256=base64url,size" per line. */
async function recordedHashes(zip: yauzl.ZipFile, all: yauzl.Entry[]): Promise<Map<string, string>> {
  const record = all.find((e) => e.fileName.endsWith('.dist-info/RECORD'));
  if (!record) return new Map();
  const lines = (await text(await stream(zip, record))).split('\n');
  return new Map(lines.flatMap((l) => { const m = /^"?(.*?)"?,sha256=([^,]+),/.exec(l); return m ? [[m[1]!, m[2]!] as const] : []; }));
}

/**
 * Unpacks the entries that `place` gives a path for, relative to `to`. Each is complete and checked before it gets its name.
 * Throws setup.wheel_damaged. `progress`: MB written, MB in all.
 */
export async function unpackWheel(wheel: string, to: string, place: (name: string) => string | undefined, progress: (done: number, total: number) => void): Promise<string[]> {
  const zip = await open(wheel);
  try {
    const all = await entries(zip);
    const wanted = all.flatMap((entry) => { const path = entry.fileName.endsWith('/') ? undefined : place(entry.fileName); return path ? [{ entry, path }] : []; });
    const total = wanted.reduce((n, { entry }) => n + entry.uncompressedSize, 0) / 1e6;
    const hashes = await recordedHashes(zip, all);
    let done = 0;
    for (const { entry, path } of wanted) {
      const target = join(to, path);
      mkdirSync(dirname(target), { recursive: true });
      const hash = createHash('sha256');
      const look = new Transform({ transform(piece: Buffer, _e, next) { hash.update(piece); done += piece.length / 1e6; progress(done, total); next(null, piece); } });
      await pipeline(await stream(zip, entry), look, createWriteStream(`${target}.part`, { mode: 0o755 }));
      const expected = hashes.get(entry.fileName);
      if (expected && hash.digest('base64url') !== expected) throw new AppError('setup.wheel_damaged', `${entry.fileName} in ${wheel} is damaged.`, 'Start again: it is downloaded anew.', { wheel });
      renameSync(`${target}.part`, target);
    }
    return wanted.map((w) => w.path);
  } finally { zip.close(); }
}
