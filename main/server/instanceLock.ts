/** One core per data folder: the lock names the process and, when it serves, its address. */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../contract/errors.ts';
import { diskError } from '../files/atomicFile.ts';
import { isSame, startTime } from '../files/processIdentity.ts';

const lockSchema = z.object({ pid: z.int(), started: z.string().nullable(), url: z.string().nullable() });
export type Owner = z.output<typeof lockSchema>;
export interface InstanceLock { announce(url: string): void; release(): void }

const lockFile = (dataDir: string): string => join(dataDir, 'instance.json');

function read(file: string): Owner | undefined {
  try { return lockSchema.parse(JSON.parse(readFileSync(file, 'utf8'))); } catch { return undefined; }
}

/** The live core of this data folder, if there is one. */
export function liveOwner(dataDir: string): Owner | undefined {
  const owner = read(lockFile(dataDir));
  return owner && owner.pid !== process.pid && isSame(owner.pid, owner.started) ? owner : undefined;
}

/** The first thing that is written: where the folder cannot be, this says so. */
function unusable(error: unknown, dataDir: string): unknown {
  const known = diskError(error, dataDir);
  return known instanceof AppError ? new AppError(known.code, `The data folder cannot be used. ${known.message}.`, 'Make it writable, with some free space, or name another data folder with LPL_DATA.', known.details) : error;
}

/** Takes the folder. Throws app.already_running with the other's address in the details; disk.full, disk.not_writable. */
export function takeLock(dataDir: string): InstanceLock {
  try { return take(dataDir); } catch (error) { throw unusable(error, dataDir); }
}

function take(dataDir: string): InstanceLock {
  mkdirSync(dataDir, { recursive: true });
  const file = lockFile(dataDir);
  const mine = { pid: process.pid, started: startTime(process.pid) };
  for (let attempt = 0; ; attempt++) {
    try {
      const fd = openSync(file, 'wx', 0o600);
      writeFileSync(fd, JSON.stringify({ ...mine, url: null }));
      closeSync(fd);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const owner = liveOwner(dataDir);
      if (owner || attempt > 3) throw new AppError('app.already_running', `LPL Studio is already running (process ${owner?.pid}).`, owner?.url ? 'Open the window or the browser tab that is there.' : 'Use the window that is open, or close it first.', { url: owner?.url ?? null, pid: owner?.pid });
      rmSync(file, { force: true }); // left behind by a core that died
    }
  }
  return {
    announce: (url) => writeFileSync(file, JSON.stringify({ ...mine, url }), { mode: 0o600 }),
    release: () => { if (read(file)?.pid === process.pid) rmSync(file, { force: true }); },
  };
}
