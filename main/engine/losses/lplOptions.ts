/** Options of the Latent Perceptual Loss, and what follows from them. */

export type LplNorm = 'default' | 'shared' | 'batch' | 'standardize';

export interface LplOptions {
  /** distance of features: squared or absolute */
  loss_type: 'mse' | 'l1';
  /** see `normalise` in lplNormalise.ts */
  norm_type: LplNorm;
  /** layer i weighs 2^−min(i,3) instead of 1 */
  pow_law: boolean;
  /** up blocks compared besides the mid block, 0 … 4 */
  num_blocks: number;
  remove_outliers: boolean;
  /** compare decoder features, or the decoded pictures */
  feature_type?: 'feature' | 'image';
}

/** The authors' recommendation for SDXL. */
export const LPL_RECOMMENDED: LplOptions = { loss_type: 'mse', norm_type: 'shared', pow_law: true, num_blocks: 4, remove_outliers: true };

export const comparesImages = (o: LplOptions): boolean => o.feature_type === 'image';
/** Layers compared: the mid block and `num_blocks` up blocks, or the picture alone. */
export const layerCount = (o: LplOptions): number => (comparesImages(o) ? 1 : o.num_blocks + 1);
/** w_i. */
export const layerWeight = (o: LplOptions, layer: number): number => (o.pow_law && !comparesImages(o) ? 2 ** -Math.min(layer, 3) : 1);
/** Resolution divisor of the outlier mask of a layer; undefined where no outliers are removed (mid block, first up block). */
export const outlierDownFactor = (o: LplOptions, layer: number): number | undefined =>
  (!o.remove_outliers || comparesImages(o) || layer < 2 ? undefined : layer === 2 ? 2 : 1);
