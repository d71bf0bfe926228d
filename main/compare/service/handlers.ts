/** The contract's methods on comparisons. */
import { copyFileSync, existsSync } from 'node:fs';
import type { Comparison, compareMethods } from '../../contract/compare.ts';
import { AppError } from '../../contract/errors.ts';
import type { Handlers } from '../../contract/method.ts';
import { builtinModelId } from '../../contract/models.ts';
import { runConfigSchema, type RunConfig } from '../../contract/runConfig.ts';
import { mediaUrl } from '../../contract/wire.ts';
import { planArms, type ArmRequest, type PlannedArm } from '../arms.ts';
import { configDifferences } from '../configDiff.ts';
import { demoConfig, demoModel, demoPictures } from '../demo.ts';
import { groupRuns } from '../groupRuns.ts';
import type { CurveData } from './curveData.ts';
import type { createEvaluator } from './evaluate.ts';
import type { ComparisonFolders } from './folder.ts';
import { pictureRows } from './pictures.ts';
import type { RunsPort } from './ports.ts';
import { comparisonQueue } from './queue.ts';
import type { CompareStore, NewArm } from './store.ts';
import { comparisonView } from './view.ts';

export interface CompareRooms { /** the app's own files */ resources: string; store: CompareStore; runs: RunsPort; folders: ComparisonFolders; evaluator: ReturnType<typeof createEvaluator>; curveData: CurveData }
type CompareHandlers = Omit<Handlers<typeof compareMethods>, 'votes.next' | 'votes.cast' | 'votes.result' | 'votes.clear'>;

function parsed(config: unknown): RunConfig {
  const result = runConfigSchema.safeParse(config);
  if (result.success) return result.data;
  const issues = result.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`);
  throw new AppError('run.config_invalid', `These settings cannot be used: ${issues.join('; ')}`, 'Correct the fields named.', { issues });
}

/** Curves need validation: eight times over the run and at least eight ranges of timesteps, unless the person has chosen more. */
function withValidation(config: RunConfig): RunConfig {
  const { validation_every, validation_bins, ...rest } = config.validation;
  const every = validation_every || Math.max(1, Math.round(config.training.max_train_steps / 8));
  return { ...config, validation: { ...rest, validation_every: every, validation_bins: Math.max(8, validation_bins) } };
}

/** The A/A arm is added unless it is there or unwanted. */
const withAA = (arms: ArmRequest[], aa: boolean): ArmRequest[] => (aa && !arms.some((a) => a.kind === 'aa') ? [...arms, { kind: 'aa' }] : arms);

/** A comparison as windows see it. Throws compare.not_found. */
export const viewOf = ({ store, runs, evaluator, folders }: Omit<CompareRooms, 'resources' | 'curveData'>) => (id: string): Comparison =>
  comparisonView({ row: store.get(id), arms: store.arms(id), runs, jobId: evaluator.activeJob(id), evaluatedAt: folders.evaluatedAt(id), trained: store.trained });

export function compareHandlers(rooms: CompareRooms): CompareHandlers {
  const { store, runs, folders, evaluator, resources, curveData } = rooms, view = viewOf(rooms);
  const kept = (id: string): Comparison => { folders.keep(store.get(id), store.arms(id)); store.changed(id); return view(id); };
  const makeRuns = async (name: string, arm: PlannedArm, project_id: string | undefined): Promise<NewArm> => {
    const run_ids: string[] = [];
    for (const { config, seed } of arm.runs) run_ids.push((await runs.create({ name: `${name} · ${arm.label}${arm.runs.length > 1 ? `, seed ${seed}` : ''}`.slice(0, 200), config, project_id, compared_with: null })).id);
    return { kind: arm.kind, label: arm.label, run_ids };
  };
  const queue = comparisonQueue(store, runs), startAll = async (id: string): Promise<Comparison> => { await queue.start(id); return view(id); };
  const firstConfigs = (id: string) => store.arms(id).flatMap((a) => { const run = a.run_ids.find((r) => runs.find(r)); return run ? [{ kind: a.kind, config: runs.get(run).config }] : []; });
  const create: CompareHandlers['comparisons.create'] = async ({ name, project_id, config, arms, aa, seeds, start }) => {
    const base = withValidation(parsed(config)), planned = planArms(base, withAA(arms as ArmRequest[], aa), seeds);
    const title = name ?? `Comparison ${store.list().length + 1}`, made: NewArm[] = [];
    for (const arm of planned) made.push(await makeRuns(title, arm, project_id));
    const id = store.create({ name: title, config: JSON.stringify(base), seeds, arms: made });
    kept(id);
    return start ? startAll(id) : view(id);
  };
  return {
    'comparisons.list': () => store.list().map((c) => view(c.id)),
    'comparisons.get': ({ id }) => view(id),
    'comparisons.plan': ({ config, arms, seeds }) => {
      const base = withValidation(parsed(config)), planned = planArms(base, arms as ArmRequest[], seeds), count = planned.length * seeds;
      return { arms: planned.map((a) => ({ kind: a.kind, label: a.label, seeds: a.runs.map((r) => r.config.training.seed) })), runs: count, steps: count * base.training.max_train_steps, differences: configDifferences(planned.map((a) => a.runs[0]!.config), planned.map((a) => a.kind)) };
    },
    'comparisons.create': create,
    'demo.start': async ({ steps, seeds, aa }) => create({ name: 'Demo: did LPL help?', config: demoConfig(builtinModelId(demoModel(resources)), demoPictures(resources), steps), arms: [{ kind: 'baseline' }, { kind: 'lpl' }], aa, seeds, start: true }),
    'comparisons.fromRuns': ({ name, run_ids }) => {
      const grouped = groupRuns([...new Set(run_ids)].map((id) => { const run = runs.get(id); return { name: run.name, dir: id, config: run.config }; }));
      const id = store.create({ name: name ?? grouped.map((a) => a.label).join(' and ').slice(0, 200), config: null, seeds: 1, arms: grouped.map((a) => ({ kind: a.kind, label: a.label, run_ids: a.runs.map((r) => r.dir) })) });
      return kept(id);
    },
    'comparisons.addArm': async ({ id, arm, start }) => {
      const row = store.get(id);
      if (!row.config) throw new AppError('compare.no_base', `"${row.name}" was made from runs that existed; it has no settings to make an arm from.`, 'Make a new comparison with all of these runs.', { id });
      const planned = planArms(parsed(JSON.parse(row.config)), [...(arm.kind === 'baseline' ? [] : [{ kind: 'baseline' as const }]), arm as ArmRequest], row.seeds).at(-1)!;
      const known = store.arms(id).flatMap((a) => a.run_ids).flatMap((r) => (runs.find(r) ? [JSON.stringify(runs.get(r).config)] : []));
      if (known.includes(JSON.stringify(planned.runs[0]!.config))) throw new AppError('compare.same_arm', `The comparison already has an arm with the settings of "${planned.label}".`, 'Change one of its settings.', { id });
      store.addArm(id, await makeRuns(row.name, planned, undefined));
      kept(id);
      return start ? startAll(id) : view(id);
    },
    'comparisons.rename': ({ id, name }) => { store.rename(id, name); return kept(id); },
    'comparisons.start': ({ id }) => { store.get(id); return startAll(id); },
    'comparisons.pause': async ({ id }) => { await queue.pause(id); return view(id); },
    'comparisons.stop': async ({ id, save }) => { await queue.stop(id, save); return view(id); },
    'comparisons.delete': async ({ id, runs: too }) => {
      const own = store.arms(store.get(id).id).flatMap((a) => a.run_ids);
      if (too) queue.refuseLive(id); // before the first of them goes
      if (too) for (const run of own) if (runs.find(run)) await runs.remove(run);
      store.remove(id);
      folders.remove(id);
      return { ok: true };
    },
    'comparisons.differences': ({ id }) => { const firsts = firstConfigs(store.get(id).id); return configDifferences(firsts.map((f) => f.config), firsts.map((f) => f.kind)); },
    'comparisons.curves': ({ id, ...query }) => {
      const arms = store.arms(store.get(id).id);
      return { metrics: curveData.names(arms.flatMap((a) => a.run_ids)), curves: arms.flatMap((arm) => curveData.curves(arm.run_ids, query).map((c) => ({ arm_id: arm.id, ...c }))) };
    },
    'comparisons.pictures': ({ id }) => pictureRows(store.arms(store.get(id).id).map((a) => a.run_ids.filter((r) => runs.find(r)).map((r) => ({ seed: runs.get(r).config.training.seed, samples: runs.samples(r) })))),
    'comparisons.evaluate': ({ id, options }) => { const job = evaluator.start(id, options); return { job_id: typeof job === 'string' ? job : job.id }; },
    'comparisons.numbers': ({ id }) => folders.numbers(store.get(id).id),
    'comparisons.report': ({ id, path }) => {
      const file = folders.file(store.get(id).id, 'report.html');
      if (!existsSync(file)) throw new AppError('compare.no_report', 'This comparison has not been evaluated yet.', 'Evaluate it first.', { id });
      if (path) copyFileSync(file, path);
      return { url: mediaUrl('report', id), file: path ?? file };
    },
  };
}
