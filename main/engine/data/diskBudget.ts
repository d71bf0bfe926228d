/** Keeps a folder of cache files within a size: makes room by deleting those that were not used for longest, never one that this run uses. */
import { readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';

export interface DiskBudget {
  /** Whether a new file of this size may be written; deletes older ones for it. */
  makeRoom(bytes: number): boolean;
  /** A file was written, or read again: it stays while this process runs. */
  used(path: string, bytes: number): void;
  /** Deletes a file that is of no use. Throws where that fails. */
  discard(path: string): void;
}

interface Entry { path: string; bytes: number; at: number }

/** Files of the folder and its folders, least recently used first; none where it is not there yet. Left-overs of broken-off writes count too. */
function entriesOf(dir: string): Entry[] {
  let names: string[];
  try { names = readdirSync(dir, { recursive: true, encoding: 'utf8' }); } catch { return []; }
  return names.flatMap((name): Entry[] => {
    try {
      const path = join(dir, name), s = statSync(path);
      return s.isFile() ? [{ path, bytes: s.size, at: s.mtimeMs }] : [];
    } catch { return []; } // another process deleted it meanwhile
  }).sort((a, b) => a.at - b.at);
}

/** `limit` in bytes, for all that lies in `dir`, whichever run wrote it. */
export function diskBudget(dir: string, limit: number): DiskBudget {
  const old = new Map(entriesOf(dir).map((e) => [e.path, e.bytes])), own = new Map<string, number>();
  let total = [...old.values()].reduce((sum, bytes) => sum + bytes, 0);
  return {
    makeRoom(bytes) {
      const mine = total - [...old.values()].reduce((sum, b) => sum + b, 0);
      if (mine + bytes > limit) return false; // deleting every other file would not do
      for (const [path, size] of old) {
        if (total + bytes <= limit) break;
        rmSync(path, { force: true });
        old.delete(path);
        total -= size;
      }
      return total + bytes <= limit;
    },
    used(path, bytes) {
      if (own.has(path)) return;
      const known = old.get(path);
      own.set(path, known ?? bytes);
      if (known === undefined) { total += bytes; return; }
      old.delete(path);
      try { const now = new Date(); utimesSync(path, now, now); } catch { /* read-only: its age stays */ }
    },
    discard(path) {
      rmSync(path, { force: true });
      total -= old.get(path) ?? own.get(path) ?? 0;
      old.delete(path);
      own.delete(path);
    },
  };
}
