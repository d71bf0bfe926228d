/** A Vite plugin that writes licences.json beside the window: every package and every data set that the app carries, with its licence. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

interface Licence { name: string; version: string; licence: string; text: string; use: 'app' | 'window' | 'data' }
interface Package { name: string; version: string; license?: string | { type: string }; dependencies?: Record<string, string>; optionalDependencies?: Record<string, string>; devDependencies?: Record<string, string> }

/** Packages that Vite puts into the window; they are development dependencies of the app. */
const windowPackages = ['svelte', 'bits-ui', 'chart.js', 'chartjs-plugin-zoom', 'virtua', 'zod'];

const readPackage = (dir: string): Package => JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) as Package;

function licenceText(dir: string): string {
  const file = readdirSync(dir).find((f) => /^(licen[cs]e|copying|notice)(\.|-|$)/i.test(f) && statSync(join(dir, f)).isFile());
  return file ? readFileSync(join(dir, file), 'utf8').trim() : '';
}

/** The packages and all that they depend on, as far as they are installed. */
function closure(root: string, names: readonly string[], use: Licence['use']): Licence[] {
  const found = new Map<string, Licence>();
  const visit = (name: string): void => {
    const dir = join(root, 'node_modules', name);
    if (found.has(name) || !existsSync(join(dir, 'package.json'))) return;
    const p = readPackage(dir);
    const text = licenceText(dir);
    const named = typeof p.license === 'object' ? p.license.type : p.license;
    found.set(name, { name, version: p.version, licence: named ?? /^.*licen[cs]e.*$/im.exec(text)?.[0].trim() ?? 'not named', text, use });
    for (const next of Object.keys({ ...p.dependencies, ...p.optionalDependencies })) visit(next);
  };
  for (const name of names) visit(name);
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name));
}

/** resources/<name>/: its README says where it comes from; licence files stand beside it. */
function resources(root: string): Licence[] {
  const base = join(root, 'resources');
  const dirs = existsSync(base) ? readdirSync(base).map((n) => join(base, n)).flatMap((d) => [d, ...(statSync(d).isDirectory() ? readdirSync(d).map((n) => join(d, n)) : [])]) : [];
  return dirs.filter((d) => existsSync(join(d, 'README.md'))).map((dir) => {
    const text = readFileSync(join(dir, 'README.md'), 'utf8').trim();
    const licence = readdirSync(dir).filter((f) => /^licen[cs]e/i.test(f)).map((f) => f.replace(/^licen[cs]e-?|\.txt$|\.md$/gi, '')).filter(Boolean).join(', ');
    return { name: text.split('\n')[0]!.replace(/^#+\s*/, ''), version: '', licence: licence || 'see text', text, use: 'data' as const };
  });
}

export function licences(root: string): Licence[] {
  const own = readPackage(root);
  const app = closure(root, Object.keys({ ...own.dependencies, ...own.optionalDependencies }), 'app');
  return [...resources(root), ...app, ...closure(root, windowPackages, 'window')];
}

/** Structural type of a Vite plugin, so that this file needs no import of Vite. */
export function licencesPlugin(root: string) {
  return {
    name: 'lpl-licences',
    generateBundle(this: { emitFile(file: { type: 'asset'; fileName: string; source: string }): void }): void {
      this.emitFile({ type: 'asset', fileName: 'licences.json', source: JSON.stringify(licences(root)) });
    },
  };
}
