/** Where a process that loads TensorFlow finds CUDA's libraries, when set-up took them from their wheels. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { tensorflowFolder } from './installWheels.ts';

/** Variables to add to a child's environment; none without CUDA wheels. */
export function cudaEnv(runtimeDir: string, env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const nvidia = join(tensorflowFolder(runtimeDir), 'nvidia');
  if (!existsSync(nvidia)) return {};
  const libraries = readdirSync(nvidia).map((name) => join(nvidia, name, 'lib')).filter((dir) => existsSync(dir));
  return {
    LD_LIBRARY_PATH: [...libraries, env['LD_LIBRARY_PATH']].filter(Boolean).join(':'),
    XLA_FLAGS: [env['XLA_FLAGS'], `--xla_gpu_cuda_data_dir=${join(nvidia, 'cuda_nvcc')}`].filter(Boolean).join(' '),
  };
}
