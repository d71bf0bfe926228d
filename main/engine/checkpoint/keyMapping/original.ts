/** Where each weight of a model lies in a single-file ("original layout") checkpoint, both ways. */
import { canonicalClipName, openClipMapping } from './clip.ts';
import type { Renamer } from './renamer.ts';
import { unetRenamer, unetStructure, type Numbering } from './unet.ts';
import { vaeRenamer, vaeStructure } from './vae.ts';

export type ModelKind = 'sdxl' | 'sd15';
export type ComponentName = 'unet' | 'vae' | 'text_encoder' | 'text_encoder_2';
export type ComponentConfig = Record<string, unknown>;
export type ModelConfigs = Partial<Record<ComponentName, ComponentConfig>>;

/** `part`: this third of the rows of a fused tensor. `transposed`: stored as [in, out]. */
export interface Place { key: string; part?: 0 | 1 | 2; transposed?: true }
export interface PlacedWeight { component: ComponentName; name: string; place: Place }

export const originalPrefixes: Record<ModelKind, Partial<Record<ComponentName, string>>> = {
  sdxl: { unet: 'model.diffusion_model.', vae: 'first_stage_model.', text_encoder: 'conditioner.embedders.0.transformer.', text_encoder_2: 'conditioner.embedders.1.model.' },
  sd15: { unet: 'model.diffusion_model.', vae: 'first_stage_model.', text_encoder: 'cond_stage_model.transformer.' },
};
export const componentsOf = (kind: ModelKind): ComponentName[] => Object.keys(originalPrefixes[kind]) as ComponentName[];

interface ComponentMapping { toOriginal(name: string): Place | undefined; toDiffusers(key: string): { name: string; place: Place }[] }

const byRenaming = (names: Renamer): ComponentMapping => ({
  toOriginal: (name) => { const key = names.toOriginal(name); return key === undefined ? undefined : { key }; },
  toDiffusers: (key) => { const name = names.toDiffusers(key); return name === undefined ? [] : [{ name, place: { key } }]; },
});
/** The first text encoder keeps transformers' names. */
const unchanged: ComponentMapping = {
  toOriginal: (name) => name.startsWith('text_model.') ? { key: name } : undefined,
  toDiffusers: (key) => canonicalClipName(key).startsWith('text_model.') ? [{ name: canonicalClipName(key), place: { key } }] : [],
};

function mappingOf(component: ComponentName, config: ComponentConfig, numbering: Numbering): ComponentMapping {
  if (component === 'unet') return byRenaming(unetRenamer(unetStructure(config, numbering)));
  if (component === 'vae') return byRenaming(vaeRenamer(vaeStructure(config)));
  return component === 'text_encoder' ? unchanged : openClipMapping(Number(config['num_hidden_layers'] ?? 12));
}

export interface OriginalLayout {
  /** The place of a weight; undefined for a name that this architecture does not have. */
  placeOf(component: ComponentName, name: string): Place | undefined;
  /** The weights that lie in tensor `key` of a file (three in a fused one, none in one that is not a weight). */
  weightsIn(key: string): PlacedWeight[];
  /** The component that `key`'s prefix says it belongs to. */
  componentOf(key: string): ComponentName | undefined;
}

/** `configs` are the components' config.json, as diffusers and transformers write them. */
export function originalLayout(kind: ModelKind, configs: ModelConfigs, numbering: Numbering = 'dense'): OriginalLayout {
  const components = componentsOf(kind).filter((c) => configs[c]);
  const prefixes = originalPrefixes[kind], mappings = new Map(components.map((c) => [c, mappingOf(c, configs[c]!, numbering)]));
  const componentOf = (key: string) => components.find((c) => key.startsWith(prefixes[c]!));
  return {
    componentOf,
    placeOf: (component, name) => {
      const place = mappings.get(component)?.toOriginal(name);
      return place && { ...place, key: prefixes[component] + place.key };
    },
    weightsIn: (key) => {
      const component = componentOf(key);
      if (!component) return [];
      const found = mappings.get(component)!.toDiffusers(key.slice(prefixes[component]!.length));
      return found.map(({ name, place }) => ({ component, name, place: { ...place, key } }));
    },
  };
}

/** How the blocks of the UNet in a single file with these tensors are numbered: as leaves the fewest without a place. */
export function numberingIn(kind: ModelKind, configs: ModelConfigs, keys: Iterable<string>): Numbering {
  if (!configs.unet || unetStructure(configs.unet).layers.some((n) => n > 2)) return 'dense'; // three numbers have room for two layers
  const own = [...keys].filter((k) => k.startsWith(originalPrefixes[kind].unet!));
  const lost = (numbering: Numbering): number => { const layout = originalLayout(kind, { unet: configs.unet! }, numbering); return own.filter((k) => !layout.weightsIn(k).length).length; };
  return lost('spaced') < lost('dense') ? 'spaced' : 'dense';
}
