/** A resumed run computes with the kernels of before, and says so where it cannot: another choice gives other numbers. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { createExecutor } from '../../main/engine/backend/select.ts';
import { readGroup, verifyCheckpoint } from '../../main/engine/run/checkpointFiles.ts';
import { notAsBefore, sameKernels, type Computed } from '../../main/engine/run/computed.ts';
import { readRunConfig } from '../../main/engine/run/runFolder.ts';
import { go, openTinyRuns, type Ran } from './tinyRuns.ts';

const machine = vi.hoisted(() => ({ oneDnn: true }));
vi.mock('../../main/engine/backend/oneDnn.ts', async (original) => ({ ...await original<object>(), hasOneDnn: () => machine.oneDnn }));
vi.setConfig({ testTimeout: 600_000 });

const STEPS = 4;
/** A hash of all that the last checkpoint holds. */
async function weights(dir: string): Promise<string> {
  const last = join(dir, 'checkpoints', `step-${String(STEPS).padStart(8, '0')}`), all = createHash('sha256');
  for (const group of ['weights', 'optimizer']) await readGroup(last, group, (name, _shape, { buffer, byteOffset, byteLength }) => { all.update(name).update(new Uint8Array(buffer, byteOffset, byteLength)); });
  return all.digest('hex');
}
const recorded = async (dir: string, step: number): Promise<Computed> => (await verifyCheckpoint(join(dir, 'checkpoints', `step-0000000${step}`))).state['computed'] as Computed;
const warned = ({ of }: Ran): string[] => of('warning').filter((w) => w.code === 'engine.other_numbers').map((w) => w.message);

test.runIf(process.arch === 'x64')('kernels that a run began without are done without to its end, bit by bit; those that are gone are missed', async () => {
  const { newRun } = await openTinyRuns(), run = (): string => newRun({ training: { max_train_steps: STEPS, backend: 'tensorflow', checkpoints_total_limit: 9 } });
  const whole = async (oneDnn: boolean): Promise<string> => { machine.oneDnn = oneDnn; return weights((await go(run())).dir); };
  const broken = async (...oneDnn: [boolean, boolean]): Promise<Ran> => {
    const dir = run();
    [machine.oneDnn] = oneDnn;
    await go(dir, (e, commands) => { if (e.type === 'step' && e.step === 2) commands.push({ type: 'stop', save: true }); });
    [, machine.oneDnn] = oneDnn;
    return go(dir);
  };
  const without = await whole(false), appeared = await broken(false, true);
  expect(await weights(appeared.dir)).toBe(without);
  expect([warned(appeared), (await recorded(appeared.dir, STEPS)).oneDnn]).toEqual([[], false]);

  const withThem = await whole(true);
  expect(withThem, 'the kernels make a difference').not.toBe(without);
  const gone = await broken(true, false);
  expect(await weights(gone.dir)).not.toBe(withThem);
  expect(warned(gone)).toEqual([expect.stringMatching(/with oneDNN's kernels before its checkpoint, and now with no kernels of oneDNN: .* not be bit-identical/)]);
  expect([(await recorded(gone.dir, 2)).oneDnn, (await recorded(gone.dir, STEPS)).oneDnn]).toEqual([true, false]);
});

const before: Computed = { engine: 'TensorFlow 2.21.0', device: 'CPU', kind: 'compiled', processor: 'A', threads: 1, parts: 2, precision: 'bf16', half: ['MatMul'], oneDnn: false, oneDnnOption: 'default' };
test('the kinds of operations in half precision are kept as well; on another processor nothing is, and all that differs is named', async () => {
  const { training } = readRunConfig((await openTinyRuns()).newRun({ training: { precision: 'bf16' } }) + '/config.json');
  expect(sameKernels(before, training, 'A')).toEqual({ oneDnn: false, half: ['MatMul'] });
  expect(sameKernels(before, { ...training, precision: 'fp16' }, 'A')).toEqual({ oneDnn: false });
  const executor = await createExecutor({ backend: 'tensorflow', precision: 'bf16', ...sameKernels(before, training, 'A') });
  expect(executor.info).toMatchObject({ precision: 'bf16', kernels: { oneDnn: false, half: ['MatMul'] } });
  executor.dispose();
  for (const other of [sameKernels(before, training, 'B'), sameKernels({ ...before, kind: 'eager' }, training, 'A'), sameKernels(null, training)]) expect(other).toEqual({});
  expect([notAsBefore(null, before), notAsBefore(before, { ...before })]).toEqual([undefined, undefined]);
  expect(notAsBefore(before, { ...before, engine: 'TensorFlow 2.22.0', parts: 4, half: [] })).toMatch(/computed with TensorFlow 2\.21\.0, batches in 2 parts, half precision for MatMul before .* now with TensorFlow 2\.22\.0, batches in 4 parts, float32 throughout:/);
});
