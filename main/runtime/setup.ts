/**
 * Set-up of the engine's runtime. Tries, in order: what is installed; TensorFlow's C library from its wheel with the
 * binding kept in resources; tfjs-node-gpu's own installer (an older TensorFlow); else the wasm backend, saying what that
 * costs. Writes only into the runtime folder and the tfjs-node-gpu package. A step that failed is tried again next time.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError, toAppError, type AppErrorData } from '../contract/errors.ts';
import { writeJson } from '../files/atomicFile.ts';
import { bindingFile, linkLibraries, placeBinding, prebuiltBinding } from './binding.ts';
import { downloadWheel } from './download.ts';
import { appDir } from './paths.ts';
import { probeTensorFlow } from './probe.ts';
import type { Report } from './report.ts';
import { unpackWheel } from './unpackWheel.ts';
import { wheelFor, type Wheel } from './wheels.ts';

const stampSchema = z.object({ backend: z.enum(['tensorflow', 'wasm']), version: z.string(), binding: z.string(), problem: z.string().nullable() });
export type Runtime = z.output<typeof stampSchema>;
export interface SetupOptions { packageDir?: string; runtimeDir?: string; report: Report }

export const tfjsDir = join(appDir, 'node_modules', '@tensorflow', 'tfjs-node-gpu');
export const defaultRuntimeDir = join(appDir, 'node_modules', '.lpl-runtime');

/** Makes the engine usable and says with what. Does not throw: without TensorFlow the engine runs on wasm. */
export async function setupRuntime({ packageDir = tfjsDir, runtimeDir = defaultRuntimeDir, report }: SetupOptions): Promise<Runtime> {
  const known = readStamp(runtimeDir);
  if (known?.backend === 'tensorflow' && existsSync(bindingFile(packageDir)) && known.binding === bindingFile(packageDir)) return known;
  const installed = existsSync(bindingFile(packageDir)) ? probeTensorFlow(packageDir) : { ok: false as const, why: 'not installed' };
  if (installed.ok) return stamp(runtimeDir, packageDir, 'tensorflow', installed.version, null);
  const problems: AppErrorData[] = [];
  for (const way of [() => fromWheel(packageDir, runtimeDir, report), () => officialInstaller(packageDir, report)]) {
    try {
      await way();
      const probe = probeTensorFlow(packageDir);
      if (probe.ok) { report.line(`TensorFlow ${probe.version} is ready.`); return stamp(runtimeDir, packageDir, 'tensorflow', probe.version, null); }
      problems.push({ code: 'setup.does_not_load', message: `TensorFlow was installed but does not load: ${probe.why}.`, hint: 'Run "npm run lpl -- doctor" and report what it prints.' });
    } catch (error) { problems.push(toAppError(error)); }
  }
  const [first] = problems;
  report.line(`TensorFlow could not be set up. ${first!.message}\n  ${first!.hint}\n  Until then the wasm backend is used: about 7 times slower for pictures, and training is not practical with it.`);
  return stamp(runtimeDir, packageDir, 'wasm', 'wasm', `${first!.message} ${first!.hint}`);
}

function readStamp(runtimeDir: string): Runtime | undefined {
  try { return stampSchema.parse(JSON.parse(readFileSync(join(runtimeDir, 'runtime.json'), 'utf8'))); } catch { return undefined; }
}
function stamp(runtimeDir: string, packageDir: string, backend: Runtime['backend'], version: string, problem: string | null): Runtime {
  const runtime = { backend, version, binding: bindingFile(packageDir), problem };
  try { writeJson(join(runtimeDir, 'runtime.json'), runtime); } catch { /* a full disk: asked again next time */ }
  return runtime;
}

async function fromWheel(packageDir: string, runtimeDir: string, report: Report): Promise<void> {
  const wheel = wheelFor();
  if (!wheel) throw new AppError('setup.no_wheel', `There is no TensorFlow library for ${process.platform} on ${process.arch} that the engine can load.`, 'Use Linux (x64, arm64) or an Apple-silicon Mac for training.', {});
  const target = join(runtimeDir, 'tensorflow');
  const complete = wheel.libraries.every((name) => existsSync(join(target, name)));
  if (!complete || (!existsSync(prebuiltBinding) && !existsSync(join(target, 'include')))) await unpackTensorFlow(wheel, runtimeDir, target, report);
  linkLibraries(packageDir, target, wheel.libraries);
  const include = join(packageDir, 'deps', 'include');
  if (existsSync(join(target, 'include'))) { rmSync(include, { force: true, recursive: true }); symlinkSync(join(target, 'include'), include); }
  report.stage('Placing the binding');
  placeBinding(packageDir);
  rmSync(join(runtimeDir, 'download'), { recursive: true, force: true });
}

async function unpackTensorFlow(wheel: Wheel, runtimeDir: string, target: string, report: Report): Promise<void> {
  mkdirSync(runtimeDir, { recursive: true });
  checkSpace(runtimeDir, wheel.downloadMb + wheel.unpackedMb);
  const downloads = join(runtimeDir, 'download');
  const { package: name, version, platform, python, downloadMb } = wheel;
  const place = (path: string): string | undefined => {
    const inside = path.replace(/^tensorflow\//, '');
    if (wheel.libraries.includes(inside)) return inside;
    return !existsSync(prebuiltBinding) && /^include\/(tensorflow|tsl|xla\/tsl)\//.test(inside) ? inside : undefined;
  };
  const file = await downloadWheel({ package: name, version, platform, python, mb: downloadMb }, downloads, report);
  try {
    await unpackWheel(file, target, place, (done, total) => report.stage('Unpacking TensorFlow', done, total));
  } catch (error) {
    if (error instanceof AppError) rmSync(file, { force: true });
    throw spaceError(error, runtimeDir);
  }
  for (const cuda of wheel.cuda) {
    const library = await downloadWheel({ package: cuda, platform: 'manylinux_2_27_x86_64', python, mb: 0 }, downloads, report);
    await unpackWheel(library, join(runtimeDir, 'cuda'), (path) => (/\.so(\.\d+)*$|libdevice/.test(path) ? path : undefined), (done, total) => report.stage(`Unpacking ${cuda}`, done, total));
  }
}

const noSpace = (dir: string, needed: string): AppError => new AppError('setup.disk_full', `There is not enough space for TensorFlow in ${dir}${needed}.`, 'Free some space and start again: it goes on from here.', { dir });
function checkSpace(dir: string, mb: number): void {
  const { bavail, bsize } = statfsSync(dir);
  if ((bavail * bsize) / 1e6 < mb) throw noSpace(dir, `: ${mb} MB are needed, ${Math.floor((bavail * bsize) / 1e6)} MB are free`);
}
const spaceError = (error: unknown, dir: string): unknown => ((error as NodeJS.ErrnoException).code === 'ENOSPC' ? noSpace(dir, '') : error);

/** tfjs-node-gpu's own installer: TensorFlow 2.9. It needs storage.googleapis.com. */
function officialInstaller(packageDir: string, report: Report): void {
  report.stage('Trying the installer of tfjs-node-gpu');
  const script = join(packageDir, 'scripts', 'install.js');
  const result = spawnSync(process.execPath, [script, 'cpu', 'download'], { cwd: packageDir, encoding: 'utf8', timeout: 300_000 });
  if (result.status !== 0) throw new AppError('setup.installer_failed', 'The installer of tfjs-node-gpu failed too.', 'Check the network connection and start again.', { output: (result.stdout + result.stderr).slice(-2_000) });
}
