/**
 * TensorFlow's files, taken from their wheels into one folder. They are put together beside their place, each checked by its hash,
 * and get the folder's name only when all are there: what a crash or a full disk leaves is gone on with, and never taken for whole.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../contract/errors.ts';
import { downloadWheel } from './download.ts';
import type { Report } from './report.ts';
import { checkSpace, checkWritable, setupError } from './setupErrors.ts';
import { unpackWheel } from './unpackWheel.ts';
import type { Wheel } from './wheels.ts';

export const wheelId = ({ package: name, version }: Wheel): string => `${name}-${version}`;
export const tensorflowFolder = (runtimeDir: string): string => join(runtimeDir, 'tensorflow');
const marker = 'whole.txt';

/** Which wheel the folder holds all of; null when it is not whole. `headers`: those for compiling the binding too. */
export function wholeWheel(runtimeDir: string): { id: string; headers: boolean } | null {
  try {
    const [id = '', headers] = readFileSync(join(tensorflowFolder(runtimeDir), marker), 'utf8').trim().split(' ');
    return { id, headers: headers === 'headers' };
  } catch { return null; }
}

/** Makes the folder hold the wheel's files (and CUDA's, where the wheel names them). Throws setup.*. */
export async function installWheels(wheel: Wheel, headers: boolean, runtimeDir: string, report: Report): Promise<void> {
  const id = wheelId(wheel), target = tensorflowFolder(runtimeDir), growing = `${target}.new-${id}`, downloads = join(runtimeDir, 'download');
  const whole = wholeWheel(runtimeDir);
  if (whole?.id === id && (whole.headers || !headers)) return;
  try {
    checkWritable(runtimeDir);
    mkdirSync(growing, { recursive: true });
    for (const name of readdirSync(runtimeDir)) if (name.startsWith('tensorflow.new-') && join(runtimeDir, name) !== growing) rmSync(join(runtimeDir, name), { recursive: true, force: true });
    checkSpace(runtimeDir, wheel.spaceMb - megabytes(growing) - megabytes(downloads));
    await take({ package: wheel.package, version: wheel.version, mb: wheel.wheelMb }, librariesOf(wheel, headers));
    for (const cuda of wheel.cuda) await take({ ...named(cuda), mb: 0 }, cudaFile);
    writeFileSync(join(growing, marker), `${id}${headers ? ' headers' : ''}\n`);
    rmSync(target, { recursive: true, force: true });
    renameSync(growing, target);
    rmSync(downloads, { recursive: true, force: true });
  } catch (error) { throw setupError(error, runtimeDir); }

  async function take(wanted: { package: string; version?: string; mb: number }, place: (path: string) => string | undefined): Promise<void> {
    const done = join(growing, `.${wanted.package}${headers ? '-headers' : ''}.done`);
    if (existsSync(done)) return;
    const file = await downloadWheel({ ...wanted, platforms: wheel.platforms, python: wheel.python }, downloads, report);
    try {
      await unpackWheel(file, growing, place, (n, total) => report.stage(`Unpacking ${wanted.package}`, n, total));
    } catch (error) {
      if (error instanceof AppError) rmSync(file, { force: true }); // damaged: it must be fetched anew
      throw error;
    }
    writeFileSync(done, '');
    rmSync(file, { force: true });
  }
}

const named = (wheel: string): { package: string; version: string } => { const [name, version] = wheel.split('=='); return { package: name!, version: version! }; };
/** Libraries, the assembler and the device library: what TensorFlow and XLA open. */
const cudaFile = (path: string): string | undefined => (/^nvidia\/.*(\.so(\.\d+)*|\/bin\/ptxas|libdevice.*\.bc)$/.test(path) ? path : undefined);
const librariesOf = (wheel: Wheel, headers: boolean) => (path: string): string | undefined => {
  const inside = path.replace(/^tensorflow\//, '');
  if (wheel.libraries.includes(inside)) return inside;
  return headers && /^include\/(tensorflow|tsl|xla\/tsl)\//.test(inside) ? inside : undefined;
};

function megabytes(dir: string): number {
  if (!existsSync(dir)) return 0;
  return readdirSync(dir, { recursive: true, withFileTypes: true }).filter((e) => e.isFile()).reduce((n, e) => n + statSync(join(e.parentPath, e.name)).size, 0) / 1e6;
}
