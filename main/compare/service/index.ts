/** The comparisons' room, put together. A comparison whose last run has finished is evaluated by itself; once more when an added arm has. */
import type { Emit } from '../../contract/emit.ts';
import type { Run } from '../../contract/runs.ts';
import type { Db } from '../../db/open.ts';
import { createCurveData } from './curveData.ts';
import { createEvaluator } from './evaluate.ts';
import { comparisonFolders } from './folder.ts';
import { compareHandlers, viewOf } from './handlers.ts';
import type { JobsPort, RunCli, RunsPort } from './ports.ts';
import { describeComparison, type Described } from './queue.ts';
import { createCompareStore } from './store.ts';
import { createVotes } from './votes.ts';

export interface ComparisonsOptions { db: Db; emit: Emit; jobs: JobsPort; folder: string; runs: RunsPort; runCli: RunCli; resources: string; featureModel: () => string; log: (line: string) => void }

export function createComparisons({ db, emit, jobs, folder, runs, runCli, resources, featureModel, log }: ComparisonsOptions) {
  const store = createCompareStore(db, emit), folders = comparisonFolders(folder);
  const evaluator = createEvaluator({ store, runs, jobs, runCli, folders, featureModel }), votes = createVotes(db, store, runs);
  const rooms = { store, runs, folders, evaluator }, handlers = { ...compareHandlers({ ...rooms, resources, curveData: createCurveData(db, runs.series) }), ...votes.handlers };
  const tried = new Set<string>(), states = new Map<string, Run['state']>();
  return {
    handlers,
    /** The comparison as one entry of the queue; null where there is none. */
    describe: (id: string): Described | null => (store.find(id) ? describeComparison(viewOf(rooms)(id)) : null),
    takeIn: () => { try { folders.takeIn(store); } catch (error) { log(`comparisons: ${(error as Error).message}`); } },
    media: {
      vote: (id: string) => votes.media(id),
      report: (id: string) => ({ file: folders.file(store.get(id).id, 'report.html'), sha256: null, name: `${store.get(id).name.replace(/[^\w -]+/g, '').trim() || 'comparison'}.html`, download: true }),
    },
    /** Told of every run that changed; only a change of state matters here. */
    runChanged(run: Run): void {
      if (states.get(run.id) === run.state) return;
      states.set(run.id, run.state);
      for (const id of store.withRun(run.id)) {
        store.changed(id);
        const own = store.arms(id).flatMap((a) => a.run_ids), key = [id, ...own].join(' '), measured = folders.evaluatedAt(id);
        const whole = run.state === 'finished' && own.every((r) => runs.find(r)?.state === 'finished');
        if (!whole || tried.has(key) || (measured !== null && measured > (run.ended_at ?? Date.now()))) continue;
        tried.add(key);
        try { evaluator.start(id, {}); } catch (error) { log(`evaluation of ${id}: ${(error as Error).message}`); }
      }
    },
  };
}
export type Comparisons = ReturnType<typeof createComparisons>;
