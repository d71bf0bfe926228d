/** Child of the doctor: loads TensorFlow, or wasm where it does not load, and measures a convolution and a matrix product of SDXL's sizes. Prints one JSON line. */
import { execFileSync } from 'node:child_process';
import { loadNodeBackend } from './backend/nodeBinding.ts';
import { startWasm } from './backend/wasm.ts';
import { tf } from './tf.ts';

interface Device { name: string; kind: string; memory_mb: number | null }
interface Started { backend: string; version: string | null; devices: Device[]; problem?: string }

async function start(): Promise<Started> {
  try {
    const { isUsingGpuDevice, binding } = loadNodeBackend();
    return { backend: 'tensorflow', version: binding.TF_Version, devices: isUsingGpuDevice ? gpus() : [{ name: 'CPU:0', kind: 'cpu', memory_mb: null }] };
  } catch (error) {
    await startWasm();
    return { backend: 'wasm', version: null, devices: [{ name: 'CPU:0', kind: 'cpu', memory_mb: null }], problem: `TensorFlow does not load: ${(error as Error).message.split('\n')[0]}` };
  }
}

/** Names and memory as the driver's own tool tells them. */
function gpus(): Device[] {
  try {
    const lines = execFileSync('nvidia-smi', ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits'], { encoding: 'utf8', timeout: 10_000 }).trim().split('\n');
    return lines.map((line) => { const [name, mib] = line.split(','); return { name: name!.trim(), kind: 'gpu', memory_mb: Math.round(Number(mib) * 1.048576) }; });
  } catch { return [{ name: 'GPU:0', kind: 'gpu', memory_mb: null }]; }
}

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

const started = await start();
const conv = { x: tf.randomNormal([1, 64, 64, 320]) as tf.Tensor4D, w: tf.randomNormal([3, 3, 320, 320]) as tf.Tensor4D };
const product = { a: tf.randomNormal([1024, 1024]) as tf.Tensor2D, b: tf.randomNormal([1024, 1024]) as tf.Tensor2D };
const speed = (name: string, flop: number, seconds: number) => ({ name, gflops: Math.round(flop / seconds / 1e9), milliseconds: Math.round(seconds * 1e5) / 100 });
const speeds = [
  speed('Convolution 3×3, 320 → 320 channels, 64×64', 2 * 64 * 64 * 9 * 320 * 320, median(7, () => tf.conv2d(conv.x, conv.w, 1, 'same'))),
  speed('Matrix product 1024³', 2 * 1024 ** 3, median(7, () => tf.matMul(product.a, product.b))),
];
process.stdout.write(`${JSON.stringify({ ...started, speeds })}\n`);
