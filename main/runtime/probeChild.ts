/** Child of probe.ts: loads the given tfjs-node package and adds four numbers. */
import { createRequire } from 'node:module';
import util from 'node:util';

const legacy = util as unknown as Record<string, unknown>;
legacy['isNullOrUndefined'] ??= (x: unknown) => x === null || x === undefined;
legacy['isArray'] ??= Array.isArray;
const tf = createRequire(import.meta.url)(process.argv[2]!) as { tensor(v: number[]): { sum(): { dataSync(): ArrayLike<number> } }; backend(): { binding: { TF_Version: string } } };
process.stdout.write(`${JSON.stringify({ sum: tf.tensor([1, 2, 3, 4]).sum().dataSync()[0], version: tf.backend().binding.TF_Version })}\n`);
