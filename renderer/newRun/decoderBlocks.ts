/** The VAE decoder's blocks as LPL sees them: which are compared, and their weight wᵢ = 2^(−min(i,3)) with the power law, else 1. */
import type { RunConfig } from '../../main/contract/runConfig.ts';

export interface DecoderBlock { name: string; lit: boolean; weight: number; /** side of its feature map, in latent pixels */ scale: number }

export function decoderBlocks(lpl: Pick<RunConfig['lpl'], 'enabled' | 'lpl_num_blocks' | 'lpl_pow_law' | 'lpl_feature_type'>): DecoderBlock[] {
  const features = lpl.enabled && lpl.lpl_feature_type === 'feature';
  return ['mid', 'up 1', 'up 2', 'up 3', 'up 4'].map((name, i) => ({
    name, lit: features && i <= lpl.lpl_num_blocks, weight: lpl.lpl_pow_law ? 2 ** -Math.min(i, 3) : 1, scale: 2 ** Math.min(i, 3),
  }));
}

/** 0.125 as "1/8". */
export const fraction = (w: number): string => (w === 1 ? '1' : `1/${Math.round(1 / w)}`);
