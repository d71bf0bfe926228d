/** Parity of the outlier masks: exactly the reference's. */
import { outlierMask } from '../losses/outlierMask.ts';
import { tf } from '../tf.ts';
import { tensorOf } from './context.ts';
import { readFixture, toNhwc } from './fixture.ts';
import { absentPart, judge, lacking, mismatch, TOLERANCE, type ParityFinding, type ParitySection } from './section.ts';

export const outliers: ParitySection = {
  name: 'outliers',
  files: ['outliers.safetensors'],
  async *run(dir: string): AsyncGenerator<ParityFinding> {
    const f = await readFixture(dir, 'outliers');
    for (const down of [1, 2]) {
      const parts = [[`mask_down${down}`, `mask, down_f ${down}`, 'share of positions that differ'], [`masked_down${down}`, `masked feature, down_f ${down}`, 'share of values that differ']] as const;
      const computed = f.has('feature') && tf.tidy(() => {
        const feature = tensorOf(toNhwc(f.get('feature')!)), m = outlierMask(feature, down);
        return [m.dataSync(), tf.mul(feature, m).dataSync()];
      });
      for (const [i, [key, quantity, note]] of parts.entries()) {
        yield computed && f.has(key) ? judge('outliers', quantity, mismatch(computed[i]!, toNhwc(f.get(key)!).data), TOLERANCE.exact, note) : absentPart('outliers', quantity, lacking(f, ['feature', key]));
      }
    }
  },
};
