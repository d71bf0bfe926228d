/** Model parity on an executor: fixture weights as its variables, a fixture's tensors as a step's inputs. */
import { createExecutor, type BackendChoice } from '../backend/select.ts';
import type { Executor, HostTensor, StepFunction } from '../backend/executor.ts';
import type { ComponentName } from '../checkpoint/modelSource.ts';
import { variableName } from '../run/baseModel.ts';
import { relativeError, type FloatTensor, type Weights } from './fixture.ts';
import { judge, type ParityFinding, type ParityResult } from './section.ts';

/** Runs `body` on a fresh executor and frees it. */
export async function* onExecutor(backend: BackendChoice, body: (executor: Executor) => AsyncGenerator<ParityFinding>): AsyncGenerator<ParityFinding> {
  const executor = await createExecutor({ backend });
  try {
    yield* body(executor);
  } finally {
    executor.dispose();
  }
}

export function declareWeights(executor: Executor, component: ComponentName, weights: Weights): void {
  for (const [name, { shape, data }] of weights) executor.declare(variableName(component, name), { shape }, data);
}

/** Defines `fn` for the inputs' shapes and runs it once. */
export function runOnce(executor: Executor, name: string, inputs: Record<string, HostTensor>, fn: StepFunction): Promise<Record<string, HostTensor>> {
  const specs = Object.fromEntries(Object.entries(inputs).map(([key, { shape, data }]) => [key, { shape, dtype: data instanceof Int32Array ? 'int32' as const : 'float32' as const }]));
  executor.define(name, specs, fn);
  return executor.run(name, inputs);
}

/** One result an expected tensor; an output that is not there fails. */
export function* compareAll(section: string, got: Record<string, HostTensor>, expected: Record<string, FloatTensor>, tolerance: number, label = (key: string) => key): Generator<ParityResult> {
  for (const [key, want] of Object.entries(expected)) yield judge(section, label(key), got[key] ? relativeError(got[key], want) : Infinity, tolerance);
}

/** Whole numbers as int32. */
export const asInt = ({ shape, data }: FloatTensor): HostTensor => ({ shape, data: Int32Array.from(data) });
