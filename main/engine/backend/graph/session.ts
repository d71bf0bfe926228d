/** One loaded graph: a SavedModel written by us, run by the stock binding. Its variables live as long as it does. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tensorflowFailed } from '../errors.ts';
import type { NativeBinding, NativeTensor } from '../nodeBinding.ts';
import { encodeSavedModel } from './encode.ts';
import type { Body } from './node.ts';

export class GraphSession {
  private readonly binding: NativeBinding;
  private readonly id: number;

  /** Writes the graph to a temporary folder, loads it and removes the folder. */
  constructor(binding: NativeBinding, bodies: Body[], functions: Uint8Array[], tempDir = tmpdir()) {
    this.binding = binding;
    const dir = mkdtempSync(join(tempDir, 'lpl-graph-'));
    try {
      writeFileSync(join(dir, 'saved_model.pb'), encodeSavedModel(bodies.flatMap((b) => b.nodes), functions));
      this.id = binding.loadSavedModel(dir, 'serve');
    } catch (error) {
      throw tensorflowFailed('load the compiled step', error);
    } finally { rmSync(dir, { recursive: true, force: true }); }
  }

  /** Feeds tensors by node name and fetches outputs by "node" or "node:output". The caller owns what comes back. */
  run(what: string, feeds: [string, number][], fetches: string[]): NativeTensor[] {
    try {
      const names = feeds.map(([name]) => `${name}:0`).join(',');
      return this.binding.runSavedModel(this.id, feeds.map(([, id]) => id), names, fetches.map((f) => (f.includes(':') ? f : `${f}:0`)).join(','));
    } catch (error) { throw tensorflowFailed(what, error); }
  }

  dispose(): void { this.binding.deleteSavedModel(this.id); }
}
