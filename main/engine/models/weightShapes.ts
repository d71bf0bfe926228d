/**
 * Lists of the weights that a model has, by diffusers / transformers name, in tfjs layout: what a checkpoint is
 * checked against and what initialising from scratch walks over.
 */
export type WeightShapes = Record<string, number[]>;

/** k×k convolution: kernel HWIO, bias. */
export function convShapes(name: string, kernel: number, cin: number, cout: number): WeightShapes {
  return { [`${name}.weight`]: [kernel, kernel, cin, cout], [`${name}.bias`]: [cout] };
}

/** Linear layer: [in, out], bias unless switched off. */
export function linearShapes(name: string, cin: number, cout: number, bias = true): WeightShapes {
  return { [`${name}.weight`]: [cin, cout], ...(bias ? { [`${name}.bias`]: [cout] } : {}) };
}

/** GroupNorm or LayerNorm: scale and shift. */
export function normShapes(name: string, channels: number): WeightShapes {
  return { [`${name}.weight`]: [channels], [`${name}.bias`]: [channels] };
}

/** The merged list; a name given twice is a mistake in the model's code. */
export function mergeShapes(...parts: WeightShapes[]): WeightShapes {
  const all: WeightShapes = {};
  for (const part of parts) {
    for (const [name, shape] of Object.entries(part)) {
      if (name in all) throw new Error(`weight ${name} is listed twice`);
      all[name] = shape;
    }
  }
  return all;
}
