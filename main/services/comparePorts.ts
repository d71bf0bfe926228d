/** Runs as comparisons use them: through the same doors as windows, so that every check holds. */
import type { RunsPort } from '../compare/service/ports.ts';
import type { Handlers } from '../contract/method.ts';
import type { runMethods } from '../contract/runs.ts';
import type { References } from '../runs/configCheck.ts';
import { refuseUnusable } from '../runs/handlers.ts';
import type { Runs } from '../runs/index.ts';
import { toRun, withConfig } from '../runs/runRow.ts';

interface Doors extends Pick<Runs, 'store' | 'artifacts' | 'lifecycle' | 'metrics'> { references: References }

export const runsPort = ({ store, artifacts, lifecycle, metrics, references }: Doors, handlers: Handlers<typeof runMethods>): RunsPort => ({
  get: (id) => withConfig(store.get(id), store.row(id)),
  find: (id) => { const row = store.find(id); return row && toRun(row, null); },
  create: async ({ name, config, project_id, compared_with }) => handlers['runs.create']({ name, config, project_id, compared_with, notes: '', start: false }),
  start: async (id, comparison) => {
    await refuseUnusable(withConfig(store.get(id), store.row(id)).config, references);
    return lifecycle.enqueue(id, 0, comparison);
  },
  pause: (id) => handlers['runs.pause']({ id }),
  stop: (id, save) => handlers['runs.stop']({ id, save }),
  remove: (id) => handlers['runs.delete']({ id }),
  samples: (id) => artifacts.samples(id),
  series: (query) => metrics.series(query),
});
