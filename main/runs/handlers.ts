/** The contract's methods on runs, the queue, and what runs leave behind. */
import { AppError } from '../contract/errors.ts';
import type { Handlers } from '../contract/method.ts';
import type { runDataMethods } from '../contract/runData.ts';
import { runConfigSchema, type RunConfig } from '../contract/runConfig.ts';
import type { Estimate, Run, RunWithConfig, runMethods } from '../contract/runs.ts';
import type { Job } from '../contract/system.ts';
import type { createArtifacts } from './artifacts.ts';
import { checkConfig, type References } from './configCheck.ts';
import type { AskedPrompts } from './index.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { createMetrics } from './metrics.ts';
import type { Recorder } from './recorder.ts';
import { queueEntries, type DescribeGroup } from './queueEntries.ts';
import { isLive, liveStates, toRun, withConfig } from './runRow.ts';
import type { RunStore } from './store.ts';

export interface RunRooms {
  store: RunStore; lifecycle: Lifecycle; recorder: Recorder;
  metrics: ReturnType<typeof createMetrics>; artifacts: ReturnType<typeof createArtifacts>;
  references: References;
  askedPrompts: AskedPrompts;
  firstProject: () => string;
  queueHeld: () => boolean;
  /** what a comparison says about its runs in the queue */
  describeGroup: DescribeGroup;
  estimate: (config: RunConfig) => Promise<Estimate>;
  dryRun: (config: RunConfig) => Job;
  exportRun: (run: Run, options: Parameters<Handlers<typeof runDataMethods>['exports.create']>[0]) => Job;
  rebuild: () => Job;
}

/** A configuration of the right form, whatever it refers to. Throws run.config_invalid with every wrong field named. */
export function parseConfig(input: unknown): RunConfig {
  const parsed = runConfigSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`);
  throw new AppError('run.config_invalid', `These settings cannot be used: ${issues.join('; ')}`, 'Correct the fields named.', { issues });
}

/** Throws run.config_invalid where the configuration refers to what is not there or cannot be used. */
export async function refuseUnusable(config: RunConfig, references: References): Promise<void> {
  const check = await checkConfig(config, references);
  if (check.ok) return;
  throw new AppError('run.config_invalid', `The run cannot start: ${check.errors.map((e) => e.message).join(' ')}`, check.errors.map((e) => e.hint).join(' '), { errors: check.errors });
}

export function runHandlers(rooms: RunRooms): Handlers<typeof runMethods> {
  const { store, lifecycle, artifacts, askedPrompts } = rooms;
  const full = (id: string): RunWithConfig => ({ ...withConfig(store.get(id), store.row(id)), changed_prompts: askedPrompts.get(id) ?? artifacts.changedPrompts(id) });
  const checked = (config: RunConfig): Promise<void> => refuseUnusable(config, rooms.references);
  const start = async ({ id, priority }: { id: string; priority: number }): Promise<Run> => {
    await checked(full(id).config);
    return lifecycle.enqueue(id, priority);
  };
  const create = async (p: { project_id?: string | undefined; name?: string | undefined; notes: string; config: Record<string, unknown>; compared_with: string | null; start: boolean }): Promise<RunWithConfig> => {
    const config = parseConfig(p.config);
    if (p.start) await checked(config);
    const run = store.create({ project_id: p.project_id ?? rooms.firstProject(), name: p.name ?? defaultName(config, store.list().length + 1), notes: p.notes, config, compared_with: p.compared_with });
    if (p.start) lifecycle.enqueue(run.id, 0);
    return full(run.id);
  };
  const withModel = (input: unknown): RunConfig => {
    const config = parseConfig(input);
    if (config.model.base === '') throw new AppError('run.no_model', 'No base model is chosen.', 'Choose one first.', {});
    return config;
  };
  return {
    'runs.checkConfig': ({ config }) => checkConfig(config, rooms.references),
    'runs.estimate': ({ config }) => rooms.estimate(withModel(config)),
    'runs.dryRun': ({ config }) => ({ job_id: rooms.dryRun(withModel(config)).id }),
    'runs.create': create,
    'runs.list': ({ project_id }) => store.list(project_id),
    'runs.get': ({ id }) => full(id),
    'runs.update': ({ id, config, ...changes }) => {
      const run = store.row(id);
      if (config && (run.state !== 'draft')) throw new AppError('run.wrong_state', `"${run.name}" is ${run.state}: its settings are part of its record.`, 'Duplicate it and change the copy.', { id });
      const parsed = config && parseConfig(config);
      const given = Object.fromEntries(Object.entries(changes).filter(([, v]) => v !== undefined));
      store.update(id, { ...given, ...(parsed ? { config: JSON.stringify(parsed), total_steps: parsed.training.max_train_steps } : {}) });
      return full(id);
    },
    'runs.start': start,
    'runs.resume': start,
    'runs.pause': ({ id }) => lifecycle.pause(id),
    'runs.stop': ({ id, save }) => lifecycle.stop(id, save),
    'runs.kill': ({ id }) => lifecycle.kill(id),
    'runs.delete': ({ id }) => {
      const run = store.row(id);
      if (isLive(run.state)) throw new AppError('run.live', `"${run.name}" is ${run.state}.`, 'Stop it first.', { id });
      rooms.recorder.forget(id);
      store.remove(id);
      return { ok: true };
    },
    'runs.duplicate': ({ id, switch_lpl }) => {
      const old = full(id);
      const lpl = { ...old.config.lpl, enabled: switch_lpl ? !old.config.lpl.enabled : old.config.lpl.enabled };
      const name = switch_lpl ? `${old.name} (${lpl.enabled ? 'with' : 'without'} LPL)` : `${old.name} (copy)`;
      const run = store.create({ project_id: old.project_id, name: name.slice(0, 200), notes: '', config: { ...old.config, lpl, samples: { ...old.config.samples, ...old.changed_prompts } }, compared_with: id });
      return full(run.id);
    },
    'runs.sampleNow': ({ id }) => { lifecycle.send(id, { type: 'sample_now' }); return { ok: true }; },
    'runs.setPrompts': ({ id, ...changed }) => { lifecycle.send(id, { type: 'set_prompts', ...changed }); askedPrompts.set(id, changed); return { ok: true }; },
    'runs.events': ({ id, after, limit }) => artifacts.events(id, after, limit),
    'runs.log': ({ id, bytes }) => artifacts.log(id, bytes),
    'queue.list': () => {
      const running = store.inStates(liveStates), waiting = store.waiting();
      return { running: running.map((r) => toRun(r, null)), waiting: waiting.map((r, i) => toRun(r, i + 1)), entries: queueEntries([...running, ...waiting], rooms.describeGroup), held: rooms.queueHeld() };
    },
    'queue.reorder': ({ ids }) => { lifecycle.reorder(ids); return { ok: true }; },
    'queue.setPriority': ({ id, priority }) => { lifecycle.setPriority(id, priority); return { ok: true }; },
    'queue.hold': ({ held }) => { lifecycle.hold(held); return { ok: true }; },
    'runs.rebuild': () => ({ job_id: rooms.rebuild().id }),
  };
}

const defaultName = (c: RunConfig, number: number): string => `Run ${number}: ${c.method.type === 'lora' ? 'LoRA' : 'full'}${c.lpl.enabled ? ' with LPL' : ''}`;

export function runDataHandlers({ metrics, artifacts, store, exportRun }: RunRooms): Handlers<typeof runDataMethods> {
  return {
    'metrics.names': ({ run_id }) => metrics.names(run_id),
    'metrics.series': (query) => metrics.series(query),
    'samples.list': ({ run_id, step }) => artifacts.samples(run_id, step),
    'checkpoints.list': ({ run_id }) => artifacts.checkpoints(run_id),
    'exports.list': ({ run_id }) => artifacts.exports(run_id),
    'exports.create': (options) => ({ job_id: exportRun(store.get(options.run_id), options).id }),
  };
}
