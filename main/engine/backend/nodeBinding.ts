/**
 * Loads tfjs-node(-gpu) and hands out its native binding.
 *
 * tfjs-node 4.22 calls `util.isNullOrUndefined`, which Node >= 23 no longer has, and `util.isArray`, of which Node warns: both are
 * defined on `node:util` before it loads. It asks node-pre-gyp where its binding is, which reads options such as --dir from this
 * process's command line and knows the package's own folder only: the answer is given here instead.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import util from 'node:util';

/** Raw TensorFlow dtype enums, as the binding's executeOp takes them (tensorflow/core/framework/types.proto). */
export const DT = { float: 1, int32: 3, uint8: 4, string: 7, int64: 9, bool: 10, bfloat16: 14, resource: 20, half: 19 } as const;

/** Handle of a TensorFlow tensor held by the binding. */
export interface NativeTensor { id: number; shape: number[]; dtype: number }

/** The part of tfjs_binding.node that the engine uses. */
export interface NativeBinding {
  TF_Version: string;
  createTensor(shape: number[], dtype: number, values: ArrayBufferView): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): Float32Array | Int32Array | Uint8Array;
  executeOp(name: string, attrs: unknown[], inputIds: number[], numOutputs: number): NativeTensor[];
  loadSavedModel(dir: string, tag: string): number;
  deleteSavedModel(id: number): void;
  runSavedModel(id: number, inputIds: number[], inputNames: string, outputNames: string): NativeTensor[];
}

/** The tfjs-node backend: tensors cross between tfjs and the binding through it. */
export interface NodeBackend {
  binding: NativeBinding;
  isUsingGpuDevice: boolean;
  getInputTensorIds(tensors: unknown[]): number[];
}

let loaded: NodeBackend | undefined;

/** Loads the TensorFlow backend once and makes it tfjs's current one. Throws what the loader throws when it is not installed. */
export function loadNodeBackend(): NodeBackend {
  if (loaded) return loaded;
  const legacy = util as unknown as Record<string, unknown>;
  legacy['isNullOrUndefined'] ??= (x: unknown) => x === null || x === undefined;
  legacy['isArray'] = Array.isArray;
  const require = createRequire(import.meta.url);
  const packageFile = require.resolve('@tensorflow/tfjs-node-gpu/package.json');
  const find = (): string => process.env['LPL_TFJS_BINDING'] ?? join(dirname(packageFile), 'lib', 'napi-v8', 'tfjs_binding.node');
  const preGyp = createRequire(packageFile).resolve('@mapbox/node-pre-gyp');
  require.cache[preGyp] = { id: preGyp, filename: preGyp, loaded: true, exports: { find } } as NodeJS.Module;
  const tfn = require('@tensorflow/tfjs-node-gpu') as { setBackend(n: string): void; backend(): NodeBackend };
  tfn.setBackend('tensorflow');
  loaded = tfn.backend();
  return loaded;
}
