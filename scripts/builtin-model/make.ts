/** Makes the built-in model: `npm run make:builtin-model [-- --stage vae|unet|eye|export] [--steps N] [--dir DIR]`. Goes on where it was stopped. */
import { parseArgs } from 'node:util';
import type { Precision } from '../../main/engine/backend/executor.ts';
import { createExecutor } from '../../main/engine/backend/select.ts';
import { basePictures } from './images.ts';
import { trainVae } from './vae.ts';

const { values } = parseArgs({ options: { precision: { type: 'string', default: 'bf16' }, threads: { type: 'string', default: '0' }, stage: { type: 'string', default: 'vae' }, steps: { type: 'string' }, dir: { type: 'string', default: '.cache/builtin-model' } } });
const dir = values.dir;
const set = await basePictures(dir);
const rgb = (pictures: { rgb: Uint8Array }[]): Uint8Array[] => pictures.map((p) => p.rgb);
console.log(`${set.training.length} pictures to train on, ${set.heldOut.length} held out`);

if (values.stage === 'vae') {
  const executor = await createExecutor({ backend: 'tensorflow', precision: values.precision as Precision, threads: Number(values.threads) });
  await trainVae(executor, dir, rgb(set.training), rgb(set.heldOut), Number(values.steps ?? 5000));
}
