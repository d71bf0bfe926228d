/**
 * Which TensorFlow fits this machine: TensorFlow's own wheels on PyPI carry the C library that tfjs-node needs.
 * tfjs-node-gpu's installer would bring version 2.9 with CUDA 11.2; this is the version the engine is tested with.
 */
import { existsSync } from 'node:fs';

export interface Wheel {
  package: 'tensorflow-cpu' | 'tensorflow';
  version: string;
  /** pip's --platform, the newest first, and --python-version; the C library is the same for every Python */
  platforms: string[]; python: string;
  /** files of the wheel under tensorflow/ that are taken, by the name the linker asks for */
  libraries: string[];
  /** size of the download, for progress, and of what must be free: the largest download beside everything unpacked */
  wheelMb: number; spaceMb: number;
  /** further wheels with CUDA's libraries, "name==version" */
  cuda: string[];
}

export const tensorflowVersion = '2.21.0';
const linuxLibraries = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];
/** What `tensorflow[and-cuda]` asks for, in the versions that pip chose for 2.21.0. */
const cudaWheels = [
  'nvidia-cublas-cu12==12.9.3.13', 'nvidia-cuda-cupti-cu12==12.8.90', 'nvidia-cuda-nvcc-cu12==12.9.86', 'nvidia-cuda-nvrtc-cu12==12.9.86', 'nvidia-cuda-runtime-cu12==12.9.79', 'nvidia-cudnn-cu12==9.28.0.42',
  'nvidia-cufft-cu12==11.4.1.4', 'nvidia-curand-cu12==10.3.10.19', 'nvidia-cusolver-cu12==11.7.5.82', 'nvidia-cusparse-cu12==12.5.10.65', 'nvidia-nccl-cu12==2.32.3', 'nvidia-nvjitlink-cu12==12.9.86',
];
/** pip widens none of these by itself when it is asked for another system than its own. */
const linux = (arch: string): string[] => ['manylinux_2_27', 'manylinux_2_17', 'manylinux2014', 'manylinux_2_12', 'manylinux2010'].map((m) => `${m}_${arch}`);

/** An NVIDIA card with its driver (Linux, WSL). LPL_CUDA=0 ignores it. */
export const hasNvidia = (): boolean => process.env['LPL_CUDA'] !== '0' && process.platform === 'linux' && (existsSync('/proc/driver/nvidia/version') || existsSync('/usr/lib/wsl/lib/libcuda.so.1'));

/** The wheel for a system, or undefined where none carries the C library in a form that tfjs-node can load. */
export function wheelFor(platform: string = process.platform, arch: string = process.arch, nvidia = hasNvidia()): Wheel | undefined {
  const common = { version: tensorflowVersion, python: '3.12', cuda: [] as string[] };
  if (platform === 'linux' && arch === 'x64' && nvidia) return { ...common, package: 'tensorflow', platforms: linux('x86_64'), libraries: linuxLibraries, wheelMb: 620, spaceMb: 8_000, cuda: cudaWheels };
  if (platform === 'linux' && arch === 'x64') return { ...common, package: 'tensorflow-cpu', platforms: linux('x86_64'), libraries: linuxLibraries, wheelMb: 274, spaceMb: 1_140 };
  if (platform === 'linux' && arch === 'arm64') return { ...common, package: 'tensorflow-cpu', platforms: linux('aarch64'), libraries: linuxLibraries, wheelMb: 280, spaceMb: 1_180 };
  if (platform === 'darwin' && arch === 'arm64') return { ...common, package: 'tensorflow', platforms: ['macosx_12_0_arm64'], libraries: ['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib'], wheelMb: 250, spaceMb: 1_150 };
  return undefined;
}
