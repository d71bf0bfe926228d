/** A batch worked on in parts, so that cores that each run one operation at a time have one part each. */
import type { Networks } from '../step/stepOptions.ts';
import { tf, type Tensor } from '../tf.ts';

type Predict = Networks['predict'];

/**
 * `predict` on `parts` parts of the batch, joined again: the same numbers, but for the order in which gradients are added. Whole where
 * the batch is smaller, and where LoRA dropout draws one mask for the whole batch. Inputs are split along their first axis.
 */
export function inParts(parts: number, predict: Predict): Predict {
  return (state, noisy, timestep, inputs) => {
    const n = noisy.shape[0]!;
    if (parts <= 1 || n < parts || inputs['dropout_draw']) return predict(state, noisy, timestep, inputs);
    const sizes = Array.from({ length: parts }, (_, i) => Math.floor(((i + 1) * n) / parts) - Math.floor((i * n) / parts));
    const split = (x: Tensor): Tensor[] => (x.shape[0] === n ? tf.split(x, sizes, 0) : sizes.map(() => x));
    const noisies = split(noisy), timesteps = split(timestep), others = Object.entries(inputs).map(([name, x]): [string, Tensor[]] => [name, split(x)]);
    return tf.concat(sizes.map((_, i) => predict(state, noisies[i]!, timesteps[i]!, Object.fromEntries(others.map(([name, xs]) => [name, xs[i]!])))), 0);
  };
}
