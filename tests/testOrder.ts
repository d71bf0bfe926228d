/**
 * The order of test files: longest first, so that no core idles at the end, and the end-to-end ones spread over the others, because two that wait for
 * windows at once leave cores idle and two that compute beside each other are late for what they wait for.
 */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Seconds of files that take more than ten, measured with two workers on two cores. */
const SECONDS: Record<string, number> = {
  'renderer/window': 300, 'api/faults': 180, 'e2e/runTools': 140, 'e2e/compare': 125, 'e2e/mainJob': 110, 'engine/train-runs': 88, 'e2e/windowKills': 85, 'api/dryRun': 77, 'engine/train-options': 77,
  'engine/trainStep-parity': 75, 'e2e/firstRun': 65, 'compare/simulations': 60, 'engine/resume-runs': 54, 'engine/parity-changes': 48, 'renderer/comparing': 47, 'e2e/shellPackage': 40,
  'engine/models-parity': 32, 'e2e/shell': 30, 'e2e/curation': 30, 'engine/cli-commands': 25, 'compare/evaluate': 21, 'engine/train-text': 21, 'api/comparisonQueue': 20, 'api/runs': 20, 'api/engine': 20,
  'renderer/slowCore': 20, 'engine/cli-stopping': 20, 'engine/resume-kernels': 30, 'engine/bench-profile': 12, 'datasets/nearDuplicates': 18, 'engine/trainStep-step': 17, 'e2e/shellDesktop': 17, 'renderer/oneSchema': 16, 'api/door': 14, 'engine/trainStep-half': 14, 'renderer/bundle': 13,
  'compare/compareCommand': 13, 'engine/train-disk': 12, 'engine/backend-parts': 12, 'datasets/edits': 12, 'engine/data-targetCache': 12, 'api/closing': 11, 'engine/checkpoints-models': 11,
};
const OTHERS = 3;

const nameOf = (file: TestSpecification): string => relative(import.meta.dirname, file.moduleId).replaceAll('\\', '/').replace(/\.test\.ts$/, '');
const secondsOf = (file: TestSpecification): number => SECONDS[nameOf(file)] ?? OTHERS;

export class LongestFirst extends BaseSequencer {
  /** As if one worker took the end-to-end files and one the others: whoever is free first takes the next. */
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    for (const name of Object.keys(SECONDS)) if (!existsSync(join(import.meta.dirname, `${name}.test.ts`))) throw new Error(`tests/testOrder.ts names ${name}.test.ts, which is not there.`);
    const longest = files.toSorted((a, b) => secondsOf(b) - secondsOf(a));
    const lanes = [true, false].map((e2e) => ({ files: longest.filter((f) => nameOf(f).startsWith('e2e/') === e2e), until: 0 }));
    return longest.map(() => {
      const lane = lanes.filter((l) => l.files.length > 0).reduce((a, b) => (b.until < a.until ? b : a));
      const file = lane.files.shift()!;
      lane.until += secondsOf(file);
      return file;
    });
  }
}
