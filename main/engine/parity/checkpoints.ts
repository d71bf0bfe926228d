/** Parity of tensor names: every name and shape of the released checkpoints maps, both ways, with none left over. */
import { join } from 'node:path';
import { expectedShapes } from '../checkpoint/expectedShapes.ts';
import { inferConfigs } from '../checkpoint/inferConfigs.ts';
import { componentsOf, originalLayout, originalPrefixes, type ComponentName, type ModelConfigs, type ModelKind, type OriginalLayout, type Place } from '../checkpoint/keyMapping/original.ts';
import { isVaeAttentionMatrix } from '../checkpoint/keyMapping/vae.ts';
import { torchShape } from '../checkpoint/layout.ts';
import { readJson } from './fixture.ts';
import { absentPart, judge, TOLERANCE, type ParityFinding, type ParityResult, type ParitySection } from './section.ts';

type Shapes = Record<string, number[]>;
type Components = Partial<Record<ComponentName, Shapes>>;

/** The shape in a single file of a weight that has `shape` in diffusers' layout. */
function originalShape(name: string, place: Place, shape: number[]): number[] {
  if (place.transposed) return [...shape].reverse();
  if (place.part !== undefined) return [3 * shape[0]!, ...shape.slice(1)];
  return isVaeAttentionMatrix(name) ? [...shape, 1, 1] : shape;
}

/** What the single file must hold, made from the diffusers names; `lost` are names without a place. */
export function singleFileShapes(layout: OriginalLayout, components: Components): { single: Shapes; lost: string[] } {
  const single: Shapes = {}, lost: string[] = [];
  for (const [component, shapes] of Object.entries(components)) for (const [name, shape] of Object.entries(shapes)) {
    const place = layout.placeOf(component as ComponentName, name);
    if (place) single[place.key] = originalShape(name, place, shape);
    else lost.push(`${component}/${name}`);
  }
  return { single, lost };
}

/** Entries of `a` that `b` lacks or has in another shape. */
export const shapesNotIn = (a: Shapes, b: Shapes): string[] => Object.keys(a).filter((k) => `${a[k]}` !== `${b[k]}` || !Object.hasOwn(b, k));

/** The names that come out of a single file's keys, by component/name; twice the same counts as lost. */
export function namesFrom(layout: OriginalLayout, keys: string[]): { names: Set<string>; lost: string[] } {
  const names = new Set<string>(), lost: string[] = [];
  for (const key of keys) {
    const found = layout.weightsIn(key);
    if (!found.length) lost.push(key);
    for (const { component, name } of found) if (names.has(`${component}/${name}`)) lost.push(key); else names.add(`${component}/${name}`);
  }
  return { names, lost };
}

/** What our models would ask for under the configs inferred from the single file's shapes. */
function modelShapes(configs: ModelConfigs, component: ComponentName): Shapes {
  return Object.fromEntries(Object.entries(expectedShapes(component, configs[component]!)).map(([name, shape]) => [name, torchShape(name, shape)]));
}

/** The components' names and shapes, and the single file's where the folder lists them. */
interface Listings { components: Components; given: Shapes | undefined }

/** Listings of `kept` components alone. */
function only(kind: ModelKind, kept: ComponentName[], { components, given }: Listings): Listings {
  const prefixes = kept.map((c) => originalPrefixes[kind][c]!);
  return {
    components: Object.fromEntries(Object.entries(components).filter(([c]) => kept.includes(c as ComponentName))),
    given: given && Object.fromEntries(Object.entries(given).filter(([key]) => prefixes.some((p) => key.startsWith(p)) || !Object.values(originalPrefixes[kind]).some((p) => key.startsWith(p)))),
  };
}

/** `given` is the file's listing where the folder has one; else it is made by the mapping and must map back. */
function* check(section: string, kind: ModelKind, listings: Listings): Generator<ParityFinding> {
  const result = (quantity: string, wrong: string[]): ParityResult => judge(section, quantity, wrong.length, TOLERANCE.exact, wrong.length ? `first: ${wrong[0]}` : 'tensors left over');
  const absent = (c: ComponentName): boolean => !listings.components[c] || (listings.given !== undefined && !Object.keys(listings.given).some((key) => key.startsWith(originalPrefixes[kind][c]!)));
  for (const c of componentsOf(kind).filter(absent)) yield absentPart(section, c, [listings.components[c] ? `${originalPrefixes[kind][c]}* in the single file` : c]);
  const kept = componentsOf(kind).filter((c) => !absent(c)), { components, given } = only(kind, kept, listings);
  const start = originalLayout(kind, startConfigs(kind));
  const made = singleFileShapes(start, components), single = given ?? made.single;
  yield result('diffusers → single file', [...made.lost, ...shapesNotIn(made.single, single), ...shapesNotIn(single, made.single)]);
  const configs = inferConfigs(kind, section, new Map(Object.entries(single).map(([k, shape]) => [k, { shape }])), {}, kept);
  const back = namesFrom(originalLayout(kind, configs), Object.keys(single));
  const all = Object.entries(components).flatMap(([c, shapes]) => Object.keys(shapes).map((n) => `${c}/${n}`));
  yield result('single file → diffusers', [...back.lost, ...all.filter((n) => !back.names.has(n)), ...[...back.names].filter((n) => !all.includes(n))]);
  for (const component of kept) {
    const file = components[component]!, model = modelShapes(configs, component);
    yield result(`${component}: the model's own weights`, [...shapesNotIn(file, model), ...shapesNotIn(model, file)]);
  }
}

/** As much of the released configs as decides names. */
const startConfigs = (kind: ModelKind): ModelConfigs => {
  const vae = { block_out_channels: [128, 256, 512, 512], layers_per_block: 2 };
  if (kind === 'sd15') return { unet: {}, vae, text_encoder: {} };
  return { unet: { down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'], up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'] }, vae, text_encoder: {}, text_encoder_2: { num_hidden_layers: 32 } };
};

export const sdxlNames: ParitySection = {
  name: 'checkpoint names, SDXL',
  files: ['checkpoints/sdxl-base.diffusers.json', 'checkpoints/sdxl-base.single-file.json'],
  async *run(dir: string): AsyncGenerator<ParityFinding> {
    const read = (file: string) => readJson(join(dir, 'checkpoints', file));
    yield* check(this.name, 'sdxl', { components: await read('sdxl-base.diffusers.json') as Components, given: await read('sdxl-base.single-file.json') as Shapes });
  },
};

export const sd15Names: ParitySection = {
  name: 'checkpoint names, SD 1.5',
  files: ['checkpoints/sd15.diffusers.json'],
  async *run(dir: string): AsyncGenerator<ParityFinding> {
    yield* check(this.name, 'sd15', { components: await readJson(join(dir, 'checkpoints', 'sd15.diffusers.json')) as Components, given: undefined });
  },
};
