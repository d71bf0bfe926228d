/** The runs room, put together: store, recorder, life cycle, queries. */
import type { Emit } from '../contract/emit.ts';
import type { EventData } from '../contract/events.ts';
import type { Run, RunWithConfig } from '../contract/runs.ts';
import { statements } from '../db/statements.ts';
import type { Db } from '../db/open.ts';
import { createArtifacts } from './artifacts.ts';
import { createLifecycle, type LifecycleOptions } from './lifecycle.ts';
import { createMetrics } from './metrics.ts';
import { createRecorder, type Recorder } from './recorder.ts';
import { isLive } from './runRow.ts';
import { createRunStore } from './store.ts';

export interface RunsOptions extends Pick<LifecycleOptions, 'parallel' | 'hangMinutes' | 'prepare'> { runsDir: string; emit: Emit; log: (line: string) => void }

/** Sample prompts by run: asked for, and told to the journal when the step under way is done. What a run did not come to before its end is forgotten. */
export type AskedPrompts = Map<string, NonNullable<RunWithConfig['changed_prompts']>>;

export function createRuns(db: Db, { runsDir, emit: tell, log, parallel, hangMinutes, prepare }: RunsOptions) {
  const sql = statements(db), askedPrompts: AskedPrompts = new Map();
  const emit: Emit = (topic, data) => {
    const run = topic === 'runs.changed' ? (data as EventData<'runs.changed'>).run : undefined;
    if (run && !isLive(run.state)) askedPrompts.delete(run.id);
    tell(topic, data);
  };
  const store = createRunStore(db, runsDir, emit);
  const recorder: Recorder = createRecorder(db, store, emit, { log });
  const artifacts = createArtifacts(db, store);
  const held = {
    get: (): boolean => (sql("SELECT value FROM settings WHERE key = 'queue_held'").get() as { value: string } | undefined)?.value === 'true',
    set: (value: boolean): void => { sql("INSERT INTO settings (key, value) VALUES ('queue_held', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value").run(String(value)); },
  };
  const lifecycle = createLifecycle({ store, emit, recorder: () => recorder, parallel, hangMinutes, prepare, held, log });
  const firstProject = (): string => (sql('SELECT id FROM projects ORDER BY created_at DESC, rowid DESC LIMIT 1').get() as { id: string }).id;
  return { store, recorder, artifacts, lifecycle, metrics: createMetrics(db), held, firstProject, askedPrompts };
}
export type Runs = ReturnType<typeof createRuns>;
export type { Run };
