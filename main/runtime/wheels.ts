/**
 * Which TensorFlow fits this machine: TensorFlow's own wheels on PyPI carry the C library that tfjs-node needs.
 * tfjs-node-gpu's installer would bring version 2.9 with CUDA 11.2; this is the version the engine is tested with.
 */
import { existsSync } from 'node:fs';

export interface Wheel {
  package: 'tensorflow-cpu' | 'tensorflow';
  version: string;
  /** pip's --platform and --python-version; the C library is the same for every Python */
  platform: string; python: string;
  /** files of the wheel under tensorflow/ that are taken, by the name the linker asks for */
  libraries: string[];
  /** size of the download and of the unpacked files, for progress and the check of free space */
  downloadMb: number; unpackedMb: number;
  /** further wheels with CUDA's libraries */
  cuda: string[];
}

export const tensorflowVersion = '2.21.0';
const linuxLibraries = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];
const cudaWheels = ['nvidia-cublas-cu12', 'nvidia-cuda-cupti-cu12', 'nvidia-cuda-nvcc-cu12', 'nvidia-cuda-nvrtc-cu12', 'nvidia-cuda-runtime-cu12', 'nvidia-cudnn-cu12', 'nvidia-cufft-cu12', 'nvidia-curand-cu12', 'nvidia-cusolver-cu12', 'nvidia-cusparse-cu12', 'nvidia-nccl-cu12', 'nvidia-nvjitlink-cu12'];

/** An NVIDIA card with its driver (Linux). LPL_CUDA=0 ignores it. */
export const hasNvidia = (): boolean => process.env['LPL_CUDA'] !== '0' && process.platform === 'linux' && existsSync('/proc/driver/nvidia/version');

/** The wheel for a system, or undefined where none carries the C library in a form that tfjs-node can load. */
export function wheelFor(platform: string = process.platform, arch: string = process.arch, nvidia = hasNvidia()): Wheel | undefined {
  const common = { version: tensorflowVersion, python: '3.12', cuda: [] as string[] };
  if (platform === 'linux' && arch === 'x64' && nvidia) return { ...common, package: 'tensorflow', platform: 'manylinux_2_27_x86_64', libraries: linuxLibraries, downloadMb: 600, unpackedMb: 2_000, cuda: cudaWheels };
  if (platform === 'linux' && arch === 'x64') return { ...common, package: 'tensorflow-cpu', platform: 'manylinux_2_27_x86_64', libraries: linuxLibraries, downloadMb: 274, unpackedMb: 860, cuda: [] };
  if (platform === 'linux' && arch === 'arm64') return { ...common, package: 'tensorflow-cpu', platform: 'manylinux_2_27_aarch64', libraries: linuxLibraries, downloadMb: 280, unpackedMb: 900, cuda: [] };
  if (platform === 'darwin' && arch === 'arm64') return { ...common, package: 'tensorflow', platform: 'macosx_12_0_arm64', libraries: ['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib'], downloadMb: 250, unpackedMb: 900, cuda: [] };
  return undefined;
}
