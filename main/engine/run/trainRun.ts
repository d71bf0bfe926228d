/** What every part of a training run is given: where it lives, what it shall do, how it speaks and is spoken to. */
import type { RunConfig } from '../../contract/runConfig.ts';
import type { TrainerEventBody } from '../../contract/trainerEvent.ts';
import type { CommandQueue } from './commandQueue.ts';
import { etaClock } from './progress.ts';
import type { RunFolder } from './runFolder.ts';

export interface TrainRun {
  folder: RunFolder;
  config: RunConfig;
  resume: string | null;
  emit(body: TrainerEventBody): void;
  commands: CommandQueue;
}

/** The person asked the run to end while it was still preparing. */
export class EndedEarly extends Error {
  readonly reason: 'stopped' | 'paused';
  constructor(reason: 'stopped' | 'paused') {
    super(reason);
    this.reason = reason;
  }
}

/** Throws EndedEarly when a stop or pause waits; other commands stay for the loop. */
export async function checkEnding(commands: CommandQueue): Promise<void> {
  await commands.listen();
  if (!commands.ending) return;
  const last = commands.take().findLast((c) => c.type === 'stop' || c.type === 'pause');
  throw new EndedEarly(last?.type === 'pause' ? 'paused' : 'stopped');
}

const EVENT_EVERY_MS = 500;

/** Reports a stage: at its begin, at its end, and at most twice a second between, with the time left. */
export function stageReporter({ emit }: Pick<TrainRun, 'emit'>): (stage: string, text: string, done: number, total: number) => void {
  let current = '', last = 0, began = 0, eta = etaClock(), before = 0;
  return (stage, text, done, total) => {
    const now = Date.now();
    if (`${stage}/${text}` !== current) { [current, began, before, eta, last] = [`${stage}/${text}`, now, done, etaClock(), 0]; }
    if (done > before) { eta.tick((now - began) / 1000 / (done - before)); [before, began] = [done, now]; }
    if (done < total && now - last < EVENT_EVERY_MS) return;
    last = now;
    emit({ type: 'stage', stage, text, done, total, eta_s: eta.left(total - done) });
  };
}
export type StageReporter = ReturnType<typeof stageReporter>;
