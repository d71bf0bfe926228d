/** The state of a run in one sentence. */
import type { Run } from '../../main/contract/runs.ts';
import { isCounted, stagePercent } from '../../main/contract/stages.ts';
import { count, duration } from '../ui/format.ts';

type Facts = Pick<Run, 'state' | 'stage' | 'step' | 'total_steps' | 'eta_s' | 'lpl_enabled' | 'queue_position' | 'exit_reason' | 'error' | 'started_at' | 'ended_at'>;

const steps = (r: Facts): string => `step ${count(r.step)} of ${count(r.total_steps)}`;
const left = (r: Facts): string => (r.eta_s === null ? '' : `, about ${duration(r.eta_s)} left`);
const took = (r: Facts): string => (r.started_at !== null && r.ended_at !== null ? ` after ${duration((r.ended_at - r.started_at) / 1000)}` : '');

function stageSentence(r: Facts): string {
  const stage = r.stage;
  if (!stage || stage.stage === 'training') return `Training ${r.lpl_enabled ? 'with LPL' : 'without LPL'}, ${steps(r)}${left(r)}.`;
  const share = stagePercent(stage);
  const part = isCounted(stage.stage) && stage.total > 0 ? `: ${count(stage.done)} of ${count(stage.total)}` : share === null ? '' : `, ${share} %`;
  const time = stage.eta_s === null ? '' : `, about ${duration(stage.eta_s)} left`;
  return `${stage.text.charAt(0).toUpperCase()}${stage.text.slice(1)}${part}${time}${r.step > 0 ? ` (${steps(r)})` : ''}.`;
}

/** What a run is doing, or how it ended. */
export function stateSentence(r: Facts): string {
  switch (r.state) {
    case 'draft': return 'A draft. Nothing has run yet.';
    case 'queued': return r.queue_position === null ? 'Waiting to start.' : `Waiting, place ${r.queue_position} in the queue.`;
    case 'starting': return r.stage ? stageSentence(r) : 'Starting the training process.';
    case 'running': return stageSentence(r);
    case 'pausing': return `Pausing: everything is saved after ${steps(r)}.`;
    case 'paused': return `Paused at ${steps(r)}. It goes on exactly where it stopped.`;
    case 'stopping': return `Stopping after ${steps(r)}.`;
    case 'stopped': return `Stopped at ${steps(r)}${took(r)}.`;
    case 'finished': return `Finished ${count(r.total_steps)} steps${took(r)}.`;
    case 'failed': return `Ended at ${steps(r)}: ${reasonText[r.exit_reason ?? 'bug']}.`;
    case 'lost': return `The training process vanished at ${steps(r)}. It can go on from its last checkpoint.`;
  }
}

const reasonText: Record<NonNullable<Run['exit_reason']>, string> = {
  finished: 'all steps done', stopped: 'it was stopped', paused: 'it was paused', out_of_memory: 'memory ran out', non_finite: 'the loss was no longer a number',
  killed: 'its process was ended from outside', disk_full: 'the disk is full', bad_input: 'something it needs cannot be used', bug: 'something went wrong inside LPL Studio',
};

/** One word for lists, with its tone. */
export function stateWord(r: Pick<Run, 'state' | 'exit_reason'>): { word: string; tone: 'live' | 'good' | 'bad' | 'wait' | 'calm' } {
  switch (r.state) {
    case 'draft': return { word: 'Draft', tone: 'calm' };
    case 'queued': return { word: 'Waiting', tone: 'wait' };
    case 'starting': return { word: 'Starting', tone: 'live' };
    case 'running': return { word: 'Training', tone: 'live' };
    case 'pausing': return { word: 'Pausing', tone: 'live' };
    case 'stopping': return { word: 'Stopping', tone: 'live' };
    case 'paused': return { word: 'Paused', tone: 'wait' };
    case 'stopped': return { word: 'Stopped', tone: 'calm' };
    case 'finished': return { word: 'Finished', tone: 'good' };
    case 'failed': return { word: r.exit_reason === 'out_of_memory' ? 'Out of memory' : r.exit_reason === 'disk_full' ? 'Disk full' : r.exit_reason === 'non_finite' ? 'Not a number' : 'Failed', tone: 'bad' };
    case 'lost': return { word: 'Lost', tone: 'bad' };
  }
}
