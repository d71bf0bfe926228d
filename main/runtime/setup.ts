/**
 * Set-up of the engine's runtime. Tries, in order: what is installed; TensorFlow's C library from its wheel with the
 * binding kept in resources; tfjs-node-gpu's own installer (an older TensorFlow); else the wasm backend, saying what that
 * costs. Writes only into the runtime folder and the tfjs-node-gpu package (a packed app: into the data folder alone). A step that failed is tried again next time.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError, appErrorSchema, toAppError, type AppErrorData } from '../contract/errors.ts';
import { writeJson } from '../files/atomicFile.ts';
import { linkTensorFlow, placeBinding, prebuiltBinding } from './binding.ts';
import { cudaEnv } from './cudaEnv.ts';
import { installWheels, tensorflowFolder, wheelId, wholeWheel } from './installWheels.ts';
import { officialInstaller } from './officialInstaller.ts';
import { bindingFile, defaultRuntimeDir, runtimeIsSeparate, tfjsDir } from './paths.ts';
import { probeTensorFlow, type Probe } from './probe.ts';
import type { Report } from './report.ts';
import { setupError } from './setupErrors.ts';
import { wheelFor, type Wheel } from './wheels.ts';

const stampSchema = z.object({ backend: z.enum(['tensorflow', 'wasm']), version: z.string(), binding: z.string(), problem: z.string().nullable(), /** the problem with its code and hint apart */ error: appErrorSchema.nullable().default(null), /** the wheel it came from, where it came from one */ wheel: z.string().nullable().default(null) });
export type Runtime = z.output<typeof stampSchema>;
export interface SetupOptions {
  packageDir?: string; runtimeDir?: string; report: Report;
  /** other than this machine's, in tests */
  wheel?: Wheel | undefined; prebuilt?: string; probe?: (packageDir: string) => Probe; installer?: (packageDir: string, report: Report) => Promise<void>;
}
type Place = Omit<Required<SetupOptions>, 'wheel'> & { wheel: Wheel | undefined };

/** What the wasm backend costs: a 3×3 convolution of SDXL's size runs at about 30 GFLOP/s where TensorFlow's runs at 220. */
export const wasmCost = 'the wasm backend is used: about 7 times slower for pictures, and training is not practical with it';

/** Makes the engine usable and says with what. Does not throw: without TensorFlow the engine runs on wasm. */
export async function setupRuntime(options: SetupOptions): Promise<Runtime> {
  const runtimeDir = options.runtimeDir ?? defaultRuntimeDir;
  const probe = (packageDir: string): Probe => probeTensorFlow(bindingFile(packageDir), { ...process.env, ...cudaEnv(runtimeDir) });
  const place: Place = { packageDir: tfjsDir, runtimeDir, wheel: wheelFor(), prebuilt: prebuiltBinding, probe, installer: officialInstaller, ...options };
  const known = readStamp(place);
  if (known) return known;
  const installed = existsSync(bindingFile(place.packageDir)) ? place.probe(place.packageDir) : { ok: false as const, why: 'not installed' };
  const wheel = wholeWheel(runtimeDir)?.id ?? null;
  if (installed.ok && isCurrent(wheel, place.wheel)) return stamp(place, 'tensorflow', installed.version, wheel, null);
  return install(place, installed.ok ? { version: installed.version, wheel } : null);
}

/** `older`: a TensorFlow that works, but is not the one for this version of the app or this machine's GPU. */
async function install(place: Place, older: { version: string; wheel: string | null } | null): Promise<Runtime> {
  const { packageDir, report } = place;
  const problems: AppErrorData[] = [];
  const ways: [string | null, () => Promise<void>][] = [[place.wheel ? wheelId(place.wheel) : null, () => fromWheel(place)], ...(older || runtimeIsSeparate ? [] : [[null, () => place.installer(packageDir, report)] as [null, () => Promise<void>]])];
  for (const [wheel, way] of ways) {
    try {
      await way();
      const probe = place.probe(packageDir);
      if (probe.ok) { report.line(`TensorFlow ${probe.version} is ready.`); return stamp(place, 'tensorflow', probe.version, wheel, null); }
      problems.push({ code: 'setup.does_not_load', message: `TensorFlow was installed but does not load: ${probe.why}.`, hint: 'Run "npm run lpl -- doctor" and report what it prints.' });
    } catch (error) { problems.push(toAppError(setupError(error, place.runtimeDir))); }
  }
  const { message, hint } = problems[0]!;
  if (older && place.probe(packageDir).ok) {
    report.line(`TensorFlow ${older.version} is used on. ${message}\n  ${hint}`);
    return { backend: 'tensorflow', version: older.version, binding: bindingFile(packageDir), problem: `${message} ${hint}`, error: problems[0]!, wheel: older.wheel };
  }
  report.line(`TensorFlow could not be set up. ${message}\n  ${hint}\n  Until then ${wasmCost}.`);
  return stamp(place, 'wasm', 'wasm', null, problems[0]!);
}

/** Nothing newer is known for what did not come from a wheel, and for a system without one. */
const isCurrent = (have: string | null, wheel: Wheel | undefined): boolean => have === null || wheel === undefined || have === wheelId(wheel);

/** What the last set-up found, as far as its binding is still there; `current`: nothing newer is to be had. */
export function lastSetup({ runtimeDir, packageDir, wheel }: Pick<Place, 'runtimeDir' | 'packageDir' | 'wheel'>): { runtime: Runtime; current: boolean } | undefined {
  try {
    const runtime = stampSchema.parse(JSON.parse(readFileSync(join(runtimeDir, 'runtime.json'), 'utf8')));
    if (runtime.backend === 'tensorflow' && (runtime.binding !== bindingFile(packageDir) || !existsSync(runtime.binding))) return undefined;
    return { runtime, current: runtime.backend === 'tensorflow' && isCurrent(runtime.wheel, wheel) };
  } catch { return undefined; }
}
function readStamp(place: Place): Runtime | undefined {
  const last = lastSetup(place);
  return last?.current ? last.runtime : undefined;
}
/** Kept for the next start. */
export function stamp({ runtimeDir, packageDir }: Pick<Place, 'runtimeDir' | 'packageDir'>, backend: Runtime['backend'], version: string, wheel: string | null, error: AppErrorData | null): Runtime {
  const runtime = { backend, version, binding: bindingFile(packageDir), problem: error && `${error.message} ${error.hint}`, error, wheel };
  try { writeJson(join(runtimeDir, 'runtime.json'), runtime); } catch { /* a full disk: asked again next time */ }
  return runtime;
}

async function fromWheel({ wheel, packageDir, runtimeDir, prebuilt, report }: Place): Promise<void> {
  if (!wheel) throw new AppError('setup.no_wheel', `There is no TensorFlow library for ${process.platform} on ${process.arch} that the engine can load.`, 'Use Linux (x64, arm64) or an Apple-silicon Mac for training.', {});
  await installWheels(wheel, !existsSync(prebuilt), runtimeDir, report);
  linkTensorFlow(packageDir, tensorflowFolder(runtimeDir), wheel.libraries);
  report.stage('Placing the binding');
  placeBinding(packageDir, prebuilt);
}
