/** Child of probe.ts: BINDING PACKAGE: loads tfjs-node with that binding and adds four numbers. */
import { createRequire } from 'node:module';
import util from 'node:util';

const legacy = util as unknown as Record<string, unknown>;
legacy['isNullOrUndefined'] ??= (x: unknown) => x === null || x === undefined;
legacy['isArray'] ??= Array.isArray;
const [binding, tfjs] = process.argv.slice(2) as [string, string];
const require = createRequire(import.meta.url);
// tfjs-node asks node-pre-gyp for the binding's place (the engine does the same: backend/nodeBinding.ts)
const preGyp = createRequire(require.resolve(`${tfjs}/package.json`)).resolve('@mapbox/node-pre-gyp');
require.cache[preGyp] = { id: preGyp, filename: preGyp, loaded: true, exports: { find: () => binding } } as NodeJS.Module;
const tf = require(tfjs) as { tensor(v: number[]): { sum(): { dataSync(): ArrayLike<number> } }; backend(): { binding: { TF_Version: string } } };
process.stdout.write(`${JSON.stringify({ sum: tf.tensor([1, 2, 3, 4]).sum().dataSync()[0], version: tf.backend().binding.TF_Version })}\n`);
