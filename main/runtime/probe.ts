/** Does TensorFlow load and compute? Asked in a child, because a library that does not fit may crash the process. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';

const answerSchema = z.object({ version: z.string(), sum: z.number() });
export type Probe = { ok: true; version: string } | { ok: false; why: string };

/** `binding`: tfjs_binding.node with TensorFlow's library where it looks for it. */
export function probeTensorFlow(binding: string, env: NodeJS.ProcessEnv = process.env): Probe {
  const result = spawnSync(process.execPath, [join(import.meta.dirname, 'probeChild.ts'), binding, '@tensorflow/tfjs-node-gpu'], { encoding: 'utf8', timeout: 120_000, env: { ...env, TF_CPP_MIN_LOG_LEVEL: '2' } });
  try {
    const answer = answerSchema.parse(JSON.parse(result.stdout.trim().split('\n').at(-1) ?? ''));
    if (answer.sum === 10) return { ok: true, version: answer.version };
    return { ok: false, why: `it computes 1+2+3+4 = ${answer.sum}` };
  } catch {
    const last = result.stderr.trim().split('\n').find((l) => /error/i.test(l)) ?? result.stderr.trim().split('\n').at(-1);
    return { ok: false, why: last || (result.signal ? `it ended by ${result.signal}` : `it ended with exit code ${result.status}`) };
  }
}
