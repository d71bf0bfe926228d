/** A base model as the engine sees it: the same whether it came from a diffusers folder or a single file. */
import { createHash } from 'node:crypto';
import { AppError } from '../../contract/errors.ts';
import type { ComponentConfig, ComponentName, ModelConfigs, ModelKind } from './keyMapping/original.ts';
import { checkValues, readHalfBits, readTorchBytes, readValues, type StoredWeight } from './readWeight.ts';
import type { SafetensorsFile } from './safetensors.ts';

export type { ComponentConfig, ComponentName, ModelConfigs, ModelKind } from './keyMapping/original.ts';

/** Where a tokenizer's files are; "builtin": CLIP's public vocabulary, padding with `padToken`. */
export type TokenizerSource = { kind: 'folder'; folder: string } | { kind: 'builtin'; padToken: '<|endoftext|>' | '!' };
export interface ComponentSource { config: ComponentConfig; weights: ReadonlyMap<string, StoredWeight> }

export interface ModelParts {
  kind: ModelKind;
  path: string;
  layout: 'diffusers' | 'single-file';
  components: Map<ComponentName, ComponentSource>;
  tokenizers: Partial<Record<'tokenizer' | 'tokenizer_2', TokenizerSource>>;
  /** scheduler_config.json, as diffusers writes it */
  scheduler: ComponentConfig;
  /** tensors of the file that are no part of the model (training leftovers, schedules) */
  ignored: string[];
  metadata: Record<string, string>;
  files: SafetensorsFile[];
}

/** An open model. Weights are read when asked for; the caller closes it. */
export class ModelSource {
  readonly kind: ModelKind;
  readonly path: string;
  readonly layout: 'diffusers' | 'single-file';
  readonly tokenizers: ModelParts['tokenizers'];
  readonly scheduler: ComponentConfig;
  readonly ignored: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly #components: Map<ComponentName, ComponentSource>;
  readonly #files: SafetensorsFile[];

  constructor(parts: ModelParts) {
    this.kind = parts.kind;
    this.path = parts.path;
    this.layout = parts.layout;
    this.tokenizers = parts.tokenizers;
    this.scheduler = parts.scheduler;
    this.ignored = parts.ignored;
    this.metadata = parts.metadata;
    this.#components = parts.components;
    this.#files = parts.files;
  }

  get components(): ComponentName[] { return [...this.#components.keys()]; }
  get configs(): ModelConfigs { return Object.fromEntries([...this.#components].map(([name, c]) => [name, c.config])); }

  /** config.json of a component. */
  config(component: ComponentName): ComponentConfig { return this.#component(component).config; }
  /** Its weights by diffusers / transformers name, with PyTorch shapes. */
  weights(component: ComponentName): ReadonlyMap<string, StoredWeight> { return this.#component(component).weights; }
  has(component: ComponentName, name?: string): boolean {
    const c = this.#components.get(component);
    return c !== undefined && (name === undefined || c.weights.has(name));
  }

  /** float32 values in tfjs layout. Throws model.nan_weights, model.missing_tensor, model.damaged. */
  read(component: ComponentName, name: string): Promise<{ shape: number[]; data: Float32Array }> { return readValues(this.#weight(component, name)); }
  /** Half-precision bits in tfjs layout, without a float32 copy where the file is in that format. */
  readHalf(component: ComponentName, name: string, dtype: 'F16' | 'BF16'): Promise<{ shape: number[]; data: Uint16Array }> {
    return readHalfBits(this.#weight(component, name), dtype);
  }

  /** Looks through every weight of the model. Throws model.nan_weights, model.damaged. */
  async checkValues(onProgress?: (done: number, total: number) => void): Promise<void> {
    const all = this.components.flatMap((c) => [...this.weights(c).values()]);
    for (const [index, w] of all.entries()) { await checkValues(w); onProgress?.(index + 1, all.length); }
  }

  /** sha256 of a component's weights: names, formats, shapes and bytes, so the same for a folder and a single file of the same model. */
  async hash(component: ComponentName): Promise<string> {
    const hash = createHash('sha256');
    for (const w of [...this.weights(component).values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      hash.update(`${w.name} ${w.dtype} [${w.shape}]\n`).update(await readTorchBytes(w));
    }
    return hash.digest('hex');
  }

  /** Puts another component in place (a VAE chosen by the user; weights in their checked shapes); takes over its open files. */
  replace(component: ComponentName, source: ComponentSource, files: SafetensorsFile[] = []): void {
    this.#components.set(component, source);
    this.#files.push(...files);
  }

  async close(): Promise<void> { await Promise.all(this.#files.splice(0).map((f) => f.close())); }

  #component(name: ComponentName): ComponentSource {
    const c = this.#components.get(name);
    if (!c) throw new AppError('model.missing_component', `${this.path} has no ${name}.`, 'Choose a complete model.', { path: this.path, component: name });
    return c;
  }
  #weight(component: ComponentName, name: string): StoredWeight {
    const w = this.weights(component).get(name);
    if (!w) throw new AppError('model.missing_tensor', `${this.path} has no weight "${name}" in its ${component}.`, 'Choose a complete model.', { path: this.path, component, tensor: name });
    return w;
  }
}
