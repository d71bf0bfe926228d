/** The doctor: what this machine has, whether TensorFlow works, and how fast it is. The measuring runs in a child. */
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import os from 'node:os';
import { dirname } from 'node:path';
import type { Doctor } from '../contract/system.ts';
import { bindingFile, defaultRuntimeDir, isPackaged, tfjsDir } from './paths.ts';
import { wasmCost } from './setup.ts';
import { wheelFor } from './wheels.ts';

export interface Measured { backend: string; version: string | null; devices: Doctor['devices']; speeds: Doctor['speeds']; /** why it is not TensorFlow */ problem?: string | undefined }
/** Runs doctorProbe.ts in a child; throws AppError when it cannot. */
export type MeasureSpeeds = () => Promise<Measured>;

const megabytes = (bytes: number): number => Math.round(bytes / 1e6);

/** Memory that this process may use: the container's limit where there is one. */
export function memoryLimit(): { total: number; free: number } {
  const read = (file: string): number => { try { return Number(readFileSync(file, 'utf8')); } catch { return NaN; } };
  const limit = read('/sys/fs/cgroup/memory.max');
  const total = Number.isFinite(limit) && limit > 0 ? Math.min(limit, os.totalmem()) : os.totalmem();
  const used = read('/sys/fs/cgroup/memory.current');
  const available = Number(/^MemAvailable:\s+(\d+)/m.exec(existsSync('/proc/meminfo') ? readFileSync('/proc/meminfo', 'utf8') : '')?.[1]) * 1024 || os.freemem();
  return { total, free: Number.isFinite(limit) && Number.isFinite(used) ? Math.min(available, limit - used) : available };
}

/** Free bytes where the folder is, or will be made. */
function diskFree(dir: string): number {
  try { const { bavail, bsize } = statfsSync(dir); return bavail * bsize; } catch { return dirname(dir) === dir ? 0 : diskFree(dirname(dir)); }
}

const check = (name: string, ok: boolean, message: string, hint = ''): Doctor['checks'][number] => ({ name, ok, message, hint: ok ? '' : hint });

/** Looks the machine over. Never throws: what is wrong is a check that is not ok, with what to do. */
export async function examine(dataFolder: string, measure: MeasureSpeeds): Promise<Doctor> {
  const memory = memoryLimit();
  const free = diskFree(dataFolder);
  let measured: Measured = { backend: 'wasm', version: null, devices: [], speeds: [] };
  let problem: string | undefined;
  try { measured = await measure(); problem = measured.problem && `${measured.problem}. Until then ${wasmCost}.`; } catch (error) { problem = (error as Error).message; }
  const there = existsSync(bindingFile(tfjsDir));
  const install = isPackaged ? 'Install it on the start page' : 'Run "npm start" or "npm run lpl -- setup"';
  const checks = [
    check('Node', Number(process.versions.node.split('.')[0]) >= 24, `Node ${process.versions.node}`, 'Install Node 24 or newer.'),
    check('TensorFlow library', there, there ? `installed with its binding in ${defaultRuntimeDir}` : 'not installed', wheelFor() ? `${install} with a network connection.` : `There is no library for ${process.platform} on ${process.arch}; the wasm backend is used.`),
    check('TensorFlow computes', problem === undefined && measured.version !== null, problem ?? `TensorFlow ${measured.version}`, 'Run "npm run lpl -- setup"; report this message if it stays.'),
    check('Memory', memory.total > 6e9, `${megabytes(memory.total)} MB, ${megabytes(memory.free)} MB of it free`, 'SDXL needs about 16 GB; tiny models train with less.'),
    check('Disk', free > 5e9, `${megabytes(free)} MB free at ${dataFolder}`, 'Free some space: checkpoints and caches need several GB.'),
  ];
  return {
    ok: checks.every((c) => c.ok), backend: measured.backend, tensorflow: measured.version, node: process.versions.node, platform: `${os.type()} ${os.release()} ${process.arch}`,
    cpu: os.cpus()[0]?.model ?? 'unknown', cores: os.availableParallelism(), memory_mb: megabytes(memory.total), memory_free_mb: megabytes(memory.free), disk_free_mb: megabytes(free),
    data_folder: dataFolder, devices: measured.devices, speeds: measured.speeds, checks,
  };
}
