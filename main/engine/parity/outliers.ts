/** Parity of the outlier masks: exactly the reference's. */
import { outlierMask } from '../losses/outlierMask.ts';
import { tf } from '../tf.ts';
import { tensorOf } from './context.ts';
import { readFixture, toNhwc } from './fixture.ts';
import { judge, mismatch, TOLERANCE, type ParityResult, type ParitySection } from './section.ts';

export const outliers: ParitySection = {
  name: 'outliers',
  files: ['outliers.safetensors'],
  async *run(dir: string): AsyncGenerator<ParityResult> {
    const f = await readFixture(dir, 'outliers');
    for (const down of [1, 2]) {
      const [mask, masked] = tf.tidy(() => {
        const feature = tensorOf(toNhwc(f.get('feature')!)), m = outlierMask(feature, down);
        return [m.dataSync(), tf.mul(feature, m).dataSync()];
      });
      yield judge('outliers', `mask, down_f ${down}`, mismatch(mask!, toNhwc(f.get(`mask_down${down}`)!).data), TOLERANCE.exact, 'share of positions that differ');
      yield judge('outliers', `masked feature, down_f ${down}`, mismatch(masked!, toNhwc(f.get(`masked_down${down}`)!).data), TOLERANCE.exact, 'share of values that differ');
    }
  },
};
