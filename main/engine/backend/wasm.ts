/** The WebAssembly backend, with what it lacks for training composed from what it has. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { tf } from '../tf.ts';

export async function startWasm(_onWarning?: (message: string) => void): Promise<void> {
  const require = createRequire(import.meta.url);
  const wasm = require('@tensorflow/tfjs-backend-wasm') as { setWasmPaths(dir: string): void };
  wasm.setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist/'));
  if (!(await tf.setBackend('wasm'))) throw new Error('WebAssembly could not be initialised');
}
