/** tfjs-node's native binding: the built one kept in resources, or one compiled against the wheel's headers. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError } from '../contract/errors.ts';
import { bindingFile, resourcesDir } from './paths.ts';

export const prebuiltBinding = join(resourcesDir, 'runtime', `${process.platform}-${process.arch}`, 'tfjs_binding.node');

/** Puts the binding into its folder. Throws setup.no_compiler, setup.compile_failed; setup.no_binding where there are no sources to compile. */
export function placeBinding(packageDir: string, prebuilt = prebuiltBinding): void {
  const target = bindingFile(packageDir);
  mkdirSync(dirname(target), { recursive: true });
  if (existsSync(prebuilt)) { copyFileSync(prebuilt, `${target}.part`); renameSync(`${target}.part`, target); return; }
  if (!existsSync(join(packageDir, 'binding'))) throw new AppError('setup.no_binding', `This package has no binding for ${process.platform}-${process.arch}.`, 'Get the package for this system, or start the app from its sources with "npm start".', {});
  compileBinding(packageDir, target);
}

/** Links the C library's names into deps/lib, where the binding looks for it, with the headers and CUDA's libraries where there are any. */
export function linkTensorFlow(packageDir: string, folder: string, libraries: string[]): void {
  const deps = join(packageDir, 'deps'), lib = join(deps, 'lib');
  mkdirSync(lib, { recursive: true });
  for (const name of libraries) {
    const plain = name.replace('_cc', '').replace(/\.so\.2$/, '.so').replace(/\.2\.dylib$/, '.dylib');
    link(join(folder, name), join(lib, name));
    link(name, join(lib, plain));
  }
  for (const name of ['include', 'nvidia']) {
    if (existsSync(join(folder, name))) link(join(folder, name), join(deps, name)); else rmSync(join(deps, name), { recursive: true, force: true });
  }
}

function link(target: string, path: string): void {
  rmSync(path, { recursive: true, force: true });
  symlinkSync(target, path);
}

/** Compiles binding/*.cc with the machine's compiler; the wheel's include/ must be unpacked in deps/include. About 15 s. */
export function compileBinding(packageDir: string, target: string): void {
  const compiler = process.env['CXX'] ?? (process.platform === 'darwin' ? 'clang++' : 'g++');
  if (spawnSync(compiler, ['--version'], { stdio: 'ignore' }).status !== 0) {
    throw new AppError('setup.no_compiler', `There is no built binding for ${process.platform}-${process.arch}, and no C++ compiler (${compiler}) to build it.`, process.platform === 'darwin' ? 'Run "xcode-select --install" and start again.' : 'Install g++ (Debian, Ubuntu: apt install g++) and start again.', { compiler });
  }
  const sources = readdirSync(join(packageDir, 'binding')).filter((n) => n.endsWith('.cc')).map((n) => join('binding', n));
  const headers = join(packageDir, '..', '..', 'node-api-headers', 'include');
  const rpath = process.platform === 'darwin' ? '-Wl,-rpath,@loader_path/../../deps/lib,-undefined,dynamic_lookup' : '-Wl,-rpath,$ORIGIN/../../deps/lib';
  const args = ['-std=c++17', '-O2', '-s', '-fPIC', '-shared', '-DNAPI_VERSION=8', `-I${headers}`, '-Ideps/include', '-I.', ...sources, '-Ldeps/lib', '-ltensorflow', '-ltensorflow_framework', rpath, '-o', `${target}.part`];
  const made = spawnSync(compiler, args, { cwd: packageDir, encoding: 'utf8' });
  if (made.status !== 0) throw new AppError('setup.compile_failed', `The binding could not be compiled: ${made.stderr.split('\n').find((l) => l.includes('error')) ?? made.stderr.slice(-300)}`, 'Report this with the details.', { stderr: made.stderr.slice(-4_000) });
  renameSync(`${target}.part`, target);
}
