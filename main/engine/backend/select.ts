/** Which executor: what works best on this machine, or what was asked for. */
import { createRequire } from 'node:module';
import { AppError } from '../../contract/errors.ts';
import { tf } from '../tf.ts';
import { EagerExecutor } from './eagerExecutor.ts';
import type { Executor, Precision } from './executor.ts';
import { GraphExecutor } from './graph/graphExecutor.ts';
import { loadNodeBackend, type NodeBackend } from './nodeBinding.ts';
import { startWasm } from './wasm.ts';

export type BackendChoice = 'auto' | 'tensorflow' | 'tensorflow-eager' | 'wasm' | 'cpu';
export interface ExecutorOptions {
  backend?: BackendChoice;
  precision?: Precision;
  /** which heavy ops a half precision is used for on compiled TensorFlow: those that it makes quicker here (default), all of them, or these */
  half?: 'quicker' | 'all' | readonly string[];
  /** compiled TensorFlow asks for oneDNN's kernels where they are quicker and there; default true */
  oneDnn?: boolean;
  /** TensorFlow's threads within an op; all cores by default. Only honoured by the first executor of a process. */
  threads?: number;
  tempDir?: string;
  /** told when a slower backend than the best one had to be taken, and why */
  onWarning?: (message: string) => void;
}

/**
 * `auto`: compiled TensorFlow, else wasm, with a warning that says why. Throws `engine.backend_unavailable` when the backend asked
 * for by name does not start. wasm and cpu compute in fp32 whatever the precision asked for; `info` says what it is.
 */
export async function createExecutor(options: ExecutorOptions = {}): Promise<Executor> {
  const { backend = 'auto', onWarning } = options;
  if (backend === 'wasm' || backend === 'cpu') return startPortable(backend, onWarning);
  try {
    const native = startTensorflow(options.threads);
    if (backend === 'tensorflow-eager') return eagerTensorflow(native);
    return new GraphExecutor(options);
  } catch (error) {
    if (error instanceof AppError) throw error; // it did start
    if (backend !== 'auto') throw unavailable('TensorFlow', error);
    onWarning?.(`TensorFlow did not start (${(error as Error).message.split('\n')[0]}), so training runs on WebAssembly, many times slower. Run setup to install TensorFlow.`);
    return startPortable('wasm', onWarning);
  }
}

function startTensorflow(threads: number | undefined): NodeBackend {
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  if (threads) process.env['TF_NUM_INTRAOP_THREADS'] ??= String(threads);
  return loadNodeBackend();
}

function eagerTensorflow(native: NodeBackend): Executor {
  return new EagerExecutor({ backend: 'tensorflow', version: `TensorFlow ${native.binding.TF_Version}`, device: native.isUsingGpuDevice ? 'GPU' : 'CPU' });
}

async function startPortable(backend: 'wasm' | 'cpu', onWarning?: (message: string) => void): Promise<Executor> {
  try {
    const require = createRequire(import.meta.url);
    // tfjs-core's build for Node registers no gradients; the union package that tfjs-node depends on does.
    createRequire(require.resolve('@tensorflow/tfjs-node-gpu/package.json'))('@tensorflow/tfjs');
    require('@tensorflow/tfjs-backend-cpu');
    if (backend === 'wasm') await startWasm(onWarning);
    await tf.setBackend(backend);
    return new EagerExecutor({ backend, version: `TensorFlow.js ${tf.version_core}`, device: 'CPU' });
  } catch (error) { throw unavailable(backend, error); }
}

const unavailable = (name: string, error: unknown): AppError =>
  new AppError('engine.backend_unavailable', `The backend "${name}" does not start here: ${(error as Error).message}`,
    'Run setup to install what the engine needs, or choose another backend in the settings.', { stack: (error as Error).stack });
