/** The doctor as the app runs it: measuring in a child, the last report kept. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { doctorSchema, type Doctor, type Job } from '../contract/system.ts';
import { writeJson } from '../files/atomicFile.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { examine, type Measured } from '../runtime/doctor.ts';
import { runChild } from './childJson.ts';

const measuredSchema = doctorSchema.pick({ backend: true, devices: true, speeds: true }).extend({ version: z.string().nullable(), problem: z.string().optional() });

/** Loads TensorFlow in a child and measures it; about ten seconds. */
export const measureSpeeds = async (signal?: AbortSignal): Promise<Measured> => measuredSchema.parse((await runChild('main/engine/doctorProbe.ts', [], signal ? { signal } : {})).at(-1));

export function createDoctor(dataDir: string, jobs: Jobs): { last: () => Doctor | null; run: () => Job } {
  const file = join(dataDir, 'doctor.json');
  return {
    last: () => { try { return doctorSchema.parse(JSON.parse(readFileSync(file, 'utf8'))); } catch { return null; } },
    run: () => jobs.start('doctor', 'Looking the machine over', async ({ signal, progress }) => {
      progress('Measuring a convolution and a matrix product', 0, 1);
      const report = await examine(dataDir, () => measureSpeeds(signal));
      writeJson(file, report);
      return report;
    }),
  };
}
