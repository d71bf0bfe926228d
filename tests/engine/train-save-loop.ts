/** Child of train-checkpoints.test.ts: saves checkpoints without end until it is killed. */
import { findCheckpoint, saveCheckpoint } from '../../main/engine/run/checkpointStore.ts';

const root = process.argv[2]!, n = 1 << 19;
const first = ((await findCheckpoint(root, 'latest', () => {}))?.manifest.step ?? 0) + 1;
for (let step = first; ; step++) {
  const bytes = new Uint8Array(new Float32Array(n).fill(step).buffer);
  await saveCheckpoint(root, step, { weights: [{ name: 'w', dtype: 'F32', shape: [n], bytes: () => bytes }] }, {}, 2);
  process.stdout.write('.');
}
