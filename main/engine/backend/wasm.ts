/** The WebAssembly backend, with what it lacks for training composed from what it has. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { tf, type Tensor } from '../tf.ts';

/** Makes wasm tfjs's backend. Throws when WebAssembly does not start. */
export async function startWasm(onWarning?: (message: string) => void): Promise<void> {
  const require = createRequire(import.meta.url);
  const wasm = require('@tensorflow/tfjs-backend-wasm') as { setWasmPaths(dir: string): void };
  wasm.setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist/'));
  if (!(await tf.setBackend('wasm'))) throw new Error('WebAssembly could not be initialised');
  if (tf.getKernel('Conv2DBackpropFilter', 'wasm')) return;
  tf.registerKernel({ kernelName: 'Conv2DBackpropFilter', backendName: 'wasm', kernelFunc: filterGradient as unknown as tf.KernelFunc });
  onWarning?.('WebAssembly has no kernel for gradients of convolution weights: they are composed of matrix products, which is slow.');
}

type Four = [number, number, number, number];
interface FilterGradientCall { inputs: { x: Tensor; dy: Tensor }; attrs: { strides: number | [number, number]; pad: 'same' | 'valid' | number; filterShape: Four } }

/** dW[i,j] = Σ x[shifted by i,j]ᵀ·dy: a product for each of the kernel's positions. */
function filterGradient({ inputs: { x, dy }, attrs: { strides, pad, filterShape } }: FilterGradientCall): Tensor {
  const info = tf.backend_util.computeConv2DInfo(x.shape as Four, filterShape, strides, 1, pad);
  const { padInfo: p, strideHeight, strideWidth, outHeight, outWidth, batchSize, inChannels, outChannels } = info;
  return tf.tidy(() => {
    const padded = tf.pad(x, [[0, 0], [p.top, p.bottom + strideHeight], [p.left, p.right + strideWidth], [0, 0]]);
    const dyRows = tf.reshape(dy, [-1, outChannels]) as tf.Tensor2D;
    const at = (i: number, j: number): Tensor => {
      const window = tf.stridedSlice(padded, [0, i, j, 0], [batchSize, i + outHeight * strideHeight, j + outWidth * strideWidth, inChannels], [1, strideHeight, strideWidth, 1]);
      return tf.matMul(tf.reshape(window, [-1, inChannels]) as tf.Tensor2D, dyRows, true, false);
    };
    const parts = Array.from({ length: filterShape[0] * filterShape[1] }, (_, k) => at(Math.floor(k / filterShape[1]), k % filterShape[1]));
    return tf.reshape(tf.stack(parts), filterShape);
  });
}
