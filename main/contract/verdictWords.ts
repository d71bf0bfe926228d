/** A verdict in words that need no statistics; the sentence with its numbers stands beside it. */
import type { ComparisonNumbers } from './compare.ts';

/** Fewer held-out pictures than this are no picture of what is to be learnt. */
export const leastHeldOut = 8;

/** What to do where too few are held out. */
export const howToHoldOut = `Hold ${leastHeldOut} or more out of training: under Datasets, in the data set's menu, with “Validation pictures…”, or put them into a subfolder “validation”`;

type Kind = ComparisonNumbers['analysis']['verdicts'][number]['verdict']['kind'];

export function verdictWords(kind: Kind, arm: string): string {
  switch (kind) {
    case 'better': return `${arm} helped: its pictures come closer to the held-out ones than the baseline's, and by more than chance explains.`;
    case 'worse': return `${arm} did harm: its pictures come less close to the held-out ones than the baseline's, and by more than chance explains.`;
    case 'no_difference': return `Nothing shows that ${arm} helped or did harm. What looks different between the pictures may be chance.`;
    case 'too_few': return `There are too few pictures to judge ${arm}.`;
    case 'no_noise_floor': return `${arm} cannot be judged yet: nothing here shows how much chance alone changes.`;
    case 'identical': return `${arm} and the baseline draw the same pictures.`;
  }
}
