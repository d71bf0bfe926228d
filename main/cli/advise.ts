/** What the form says of a model's settings, said on the command line. */
import { runConfigFields, type RunConfig } from '../contract/runConfig.ts';
import type { Output } from './output.ts';
import { flagName } from './configFlags.ts';

type Values = Record<string, Record<string, unknown>>;

/** One line for every setting of `config` in use that differs from `advice` (values by path). `model`: as it was given. */
export function sayAdvice(output: Output, model: string, advice: Record<string, unknown>, config: RunConfig): void {
  const at = (path: string): unknown => { const [group, key] = path.split('.') as [string, string]; return (config as unknown as Values)[group]?.[key]; };
  const inUse = runConfigFields.filter((f) => Object.entries(f.when ?? {}).every(([path, values]) => values.includes(at(path))));
  for (const f of inUse) {
    const best = advice[f.path];
    if (best !== undefined && best !== at(f.path)) output.text(`advice: ${model} works best with --${flagName(f)} ${String(best)}; this run has ${String(at(f.path))}`);
  }
}
