/**
 * `npm run package -- [dir|tar.gz|AppImage|deb|nsis|dmg …] [--electron DIR]`: builds the app and packs it (electron-builder.yml) into
 * release/. Without targets: all of this system's. `--electron DIR` takes an unpacked Electron instead of downloading one.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Arch, build as pack, Platform, type CliOptions } from 'electron-builder';
import sharp from 'sharp';
import { prebuiltBinding } from '../main/runtime/binding.ts';
import { appDir } from '../main/runtime/paths.ts';
import { build } from './build.ts';

const system = process.platform === 'win32' ? 'win' : process.platform;
const nodePackage = `node-${system}-${process.arch}`;

/** Icons in the sizes that desktops ask for, drawn from the window's own. */
async function drawIcons(to: string): Promise<void> {
  const svg = readFileSync(join(appDir, 'renderer', 'public', 'icon.svg'));
  mkdirSync(join(to, 'icons'), { recursive: true });
  const draw = (size: number): Promise<Buffer> => sharp(svg, { density: (72 * size) / 32 }).resize(size, size).png().toBuffer();
  for (const size of [16, 32, 48, 64, 128, 256, 512]) writeFileSync(join(to, 'icons', `${size}x${size}.png`), await draw(size));
  writeFileSync(join(to, 'icon.png'), await draw(1024));
}

/** What must be there for this system's package, with what to do when it is not. */
function checkParts(): void {
  const missing: string[] = [];
  if (!existsSync(join(appDir, 'node_modules', nodePackage))) missing.push(`node_modules/${nodePackage} (Node for the core): npm install --no-save ${nodePackage}@24.21.0`);
  if (!existsSync(prebuiltBinding)) missing.push(`${prebuiltBinding}: node scripts/node24.mjs scripts/build-binding.ts`);
  if (missing.length > 0) throw new Error(`A package for ${process.platform}-${process.arch} also needs:\n  ${missing.join('\n  ')}`);
}

/** An unpacked Electron as electron-builder wants it: a copy without its own starter. */
function unpackedElectron(dir: string, work: string): { electronDist: string; electronVersion: string } {
  const electronDist = join(work, 'electron');
  cpSync(resolve(dir), electronDist, { recursive: true });
  rmSync(join(electronDist, 'resources', 'default_app.asar'), { recursive: true, force: true });
  return { electronDist, electronVersion: readFileSync(join(electronDist, 'version'), 'utf8').trim().replace(/^v/, '') };
}

/** electron-builder.yml, without the fuse that Electron has since version 29 where an older one is packed. */
function configFile(work: string, electronVersion: string | undefined): string {
  const file = join(appDir, 'electron-builder.yml');
  if (electronVersion === undefined || Number(electronVersion.split('.')[0]) >= 29) return file;
  const older = join(work, 'electron-builder.yml');
  writeFileSync(older, readFileSync(file, 'utf8').replace(/^ *grantFileProtocolExtraPrivileges:.*\n/m, ''));
  return older;
}

/** Packs and returns the files that were made. `output`: default release/. */
export async function packageApp(targets: string[], { electron, output }: { electron?: string | undefined; output?: string | undefined } = {}): Promise<string[]> {
  checkParts();
  await build();
  const prepared = join(appDir, 'dist', 'package');
  await drawIcons(prepared);
  const work = mkdtempSync(join(tmpdir(), 'lpl-package-'));
  if (existsSync('/usr/bin/7za')) process.env['ELECTRON_BUILDER_7ZIP_PATH'] ??= '/usr/bin/7za';
  process.env['ELECTRON_BUILDER_COMPRESSION_LEVEL'] ??= '5'; // 9 takes many times as long for 2 % less
  try {
    const own = electron === undefined ? undefined : unpackedElectron(electron, work);
    const config = { extends: configFile(work, own?.electronVersion), ...own, ...(output === undefined ? {} : { directories: { output: resolve(output) } }) };
    const options: CliOptions = { projectDir: appDir, config, publish: 'never', targets: Platform.current().createTarget(targets.length > 0 ? targets : null, process.arch === 'arm64' ? Arch.arm64 : Arch.x64) };
    return await pack(options);
  } finally { rmSync(work, { recursive: true, force: true }); }
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { electron: { type: 'string' }, output: { type: 'string' } } });
  const made = await packageApp(positionals, values);
  console.log(made.length > 0 ? `Made:\n${made.map((file) => `  ${file}`).join('\n')}` : 'Made the unpacked app.');
}
