/** TensorFlow for the engine, as the app sees it: there, being installed by a job, or missing. Set-up runs in a child. */
import { z } from 'zod';
import { AppError } from '../contract/errors.ts';
import type { Engine, Job } from '../contract/system.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { defaultRuntimeDir, runtimeIsSeparate, tfjsDir } from '../runtime/paths.ts';
import { lastSetup, stamp } from '../runtime/setup.ts';
import { wheelFor } from '../runtime/wheels.ts';
import { runChild } from './childJson.ts';

const stageSchema = z.object({ stage: z.string(), done: z.number(), total: z.number() });
const cancelled = { code: 'setup.cancelled', message: 'The installation of TensorFlow was stopped.', hint: 'Install it whenever you like: until then nothing can be trained.' };

export interface EngineOptions {
  jobs: Jobs;
  /** called when an installation has ended, well or not: waiting runs go on */
  ended: () => void;
}

export function createEngine({ jobs, ended }: EngineOptions) {
  const wheel = wheelFor();
  const place = { runtimeDir: defaultRuntimeDir, packageDir: tfjsDir, wheel };
  let job: Job | null = null;
  let closing = false;

  function get(): Engine {
    const known = lastSetup(place)?.runtime;
    const sizes = { download_mb: wheel?.wheelMb ?? 0, disk_mb: wheel?.spaceMb ?? 0, folder: place.runtimeDir };
    if (job) return { state: 'installing', version: null, problem: null, job_id: job.id, ...sizes };
    if (known?.backend === 'tensorflow') return { state: 'ready', version: known.version, problem: null, job_id: null, ...sizes };
    return { state: wheel ? 'missing' : 'unsupported', version: null, problem: known?.error ?? null, job_id: null, ...sizes };
  }
  function install(): Job {
    if (job) return jobs.get(job.id);
    job = jobs.start('engine', 'Installing TensorFlow', async ({ signal, progress }) => {
      try {
        const lines = await runChild('main/cli.ts', ['setup', '--json'], { signal, onLine: (line) => { const { data } = stageSchema.safeParse(line); if (data) progress(data.stage, data.done, data.total); } });
        return lines.at(-1);
      } catch (error) {
        if (signal.aborted && !closing && lastSetup(place)?.runtime.backend !== 'tensorflow') stamp(place, 'wasm', 'wasm', null, cancelled);
        throw error;
      } finally { job = null; setImmediate(ended); }
    });
    return job;
  }
  return {
    get, install,
    installing: (): boolean => job !== null,
    /** At a start of the app: a package brings no TensorFlow (or was replaced by one that wants another), so it is installed unless the person said no. */
    installAtFirstStart(): void {
      if (!runtimeIsSeparate || !wheel || lastSetup(place)?.current || get().problem?.code === cancelled.code) return;
      install();
    },
    /** Throws engine.missing where a run would need TensorFlow that can be had. */
    demand(): void {
      if (runtimeIsSeparate && get().state === 'missing') throw new AppError('engine.missing', 'TensorFlow, which the training engine needs, is not installed yet.', 'Install it on the start page, then start the run again.', {});
    },
    close: (): void => { closing = true; },
  };
}
export type EngineService = ReturnType<typeof createEngine>;
