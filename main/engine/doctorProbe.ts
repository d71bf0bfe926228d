/** Child of the doctor: loads TensorFlow and measures a convolution and a matrix product of SDXL's sizes. Prints one JSON line. */
import { loadNodeBackend } from './backend/nodeBinding.ts';
import { tf } from './tf.ts';

const backend = loadNodeBackend();

/** Median seconds of `runs` calls after one to warm up. */
function median(runs: number, work: () => tf.Tensor): number {
  const times = Array.from({ length: runs + 1 }, () => {
    const start = performance.now();
    const result = work();
    result.dataSync();
    result.dispose();
    return (performance.now() - start) / 1000;
  }).slice(1).sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)]!;
}

const conv = { x: tf.randomNormal([1, 64, 64, 320]) as tf.Tensor4D, w: tf.randomNormal([3, 3, 320, 320]) as tf.Tensor4D };
const product = { a: tf.randomNormal([1024, 1024]) as tf.Tensor2D, b: tf.randomNormal([1024, 1024]) as tf.Tensor2D };
const speed = (name: string, flop: number, seconds: number) => ({ name, gflops: Math.round(flop / seconds / 1e9), milliseconds: Math.round(seconds * 1e5) / 100 });
const speeds = [
  speed('Convolution 3×3, 320 → 320 channels, 64×64', 2 * 64 * 64 * 9 * 320 * 320, median(7, () => tf.conv2d(conv.x, conv.w, 1, 'same'))),
  speed('Matrix product 1024³', 2 * 1024 ** 3, median(7, () => tf.matMul(product.a, product.b))),
];
const gpu = backend.isUsingGpuDevice;
process.stdout.write(`${JSON.stringify({ backend: 'tensorflow', version: backend.binding.TF_Version, devices: [{ name: gpu ? 'GPU:0' : 'CPU:0', kind: gpu ? 'gpu' : 'cpu', memory_mb: null }], speeds })}\n`);
