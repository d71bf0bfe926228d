/**
 * What a run does besides its steps, timed in the events of a dry run, and from that how long a whole run takes: start, caching, steps,
 * first runs of further graphs, sample pictures, validations, checkpoints, end. Times in seconds.
 */
import type { RunConfig } from '../contract/runConfig.ts';
import type { Estimate } from '../contract/runs.ts';
import type { TrainerEvent } from '../contract/trainerEvent.ts';

/** A dry run's process: when it was started, what it said, when it ended (milliseconds since 1970). */
export interface Timed { spawned: number; ended: number; events: readonly TrainerEvent[] }
/** What of the data set a run will see. `encoded`: pictures that the dry run put into the cache. */
export interface DataCounts { pictures: number; encoded: number; buckets: number; validation: number }
/** Each thing once; `evaluation` and `decoding`: of one sample picture. */
export interface Upkeep { start: number; graphs: number; graphsOfBucket: number; picture: number; evaluation: number; decoding: number; probe: number; save: number; finish: number }

const span = (from: number | undefined, to: number | undefined): number => (from === undefined || to === undefined ? 0 : Math.max(0, to - from) / 1000);
type Stage = Extract<TrainerEvent, { type: 'stage' }>;
const isStage = (name: string) => (e: TrainerEvent): e is Stage => e.type === 'stage' && e.stage === name;

/** Time from the first event of a stage to the first event after it that is none of it, over all its stretches. */
function during(events: readonly TrainerEvent[], inside: (e: TrainerEvent) => boolean): number {
  return events.reduce((sum, e, i) => (inside(e) && i + 1 < events.length ? sum + span(e.at, events[i + 1]!.at) : sum), 0);
}

/** The last drawing: everything in it has run before. Null when nothing was drawn. */
function drawing(events: readonly TrainerEvent[]): Pick<Upkeep, 'evaluation' | 'decoding'> | null {
  const lastStep = events.findLastIndex((e) => e.type === 'step');
  const late = events.slice(lastStep + 1), stages = late.filter(isStage('sampling'));
  const [first, last] = [stages[0], stages.at(-1)], sample = late.findLast((e) => e.type === 'sample');
  if (!first || !last || !sample) return null;
  const before = late[late.indexOf(first) - 1] ?? events[lastStep];
  const evaluation = last.done > first.done ? span(first.at, last.at) / (last.done - first.done) : span(before?.at, first.at) / Math.max(1, first.done);
  return { evaluation, decoding: span(last.at, sample.at) / late.filter((e) => e.type === 'sample').length };
}

function probeTime(events: readonly TrainerEvent[], probes: number): number {
  const at = events.findLastIndex((e) => e.type === 'validation');
  const done = events.slice(0, at).findLastIndex((e) => !isStage('validating')(e));
  return at < 0 || probes === 0 ? 0 : span(events[done]?.at, events[at]!.at) / probes;
}

/** `plain`: the dry run that drew and validated; `full`: the one whose steps are those of the run. `step`: a usual step's time, s. `unseen`: graphs that only the run will need; each is taken to cost what the first did. */
export function upkeep(plain: Timed, full: Timed, step: number, { encoded, probes, unseen = 0 }: { encoded: number; probes: number; unseen?: number }): Upkeep {
  const { events } = full, firstStep = events.findIndex((e) => e.type === 'step');
  const opening = events.slice(0, firstStep + 1);
  const caching = (list: readonly TrainerEvent[]): number => during(list, (e) => isStage('caching_latents')(e) || isStage('caching_captions')(e));
  const looking = (list: readonly TrainerEvent[]): number => during(list, (e) => e.type === 'sample' || isStage('sampling')(e) || isStage('validating')(e));
  const extra = events.reduce((sum, e) => sum + (e.type === 'step' ? Math.max(0, e.seconds - 1.5 * step) : 0), 0);
  const first = events[firstStep], firstExtra = first?.type === 'step' ? Math.max(0, first.seconds - 1.5 * step) : 0;
  const lastThing = plain.events.findLast((e) => e.type === 'checkpoint' || e.type === 'sample' || e.type === 'validation');
  // what is drawn and validated at the start is, for the first time, also made ready for that
  const opened = plain.events.findIndex((e) => e.type === 'step'), ended = plain.events.findLastIndex((e) => e.type === 'step');
  const firstLooks = Math.max(0, looking(plain.events.slice(0, opened + 1)) - looking(plain.events.slice(ended + 1)));
  const saved = full.events.findLast((e) => e.type === 'checkpoint'), saving = full.events.findLast(isStage('saving'));
  return {
    start: Math.max(0, span(full.spawned, first?.at) - caching(opening) - looking(opening) - step) + firstLooks, graphs: extra - firstExtra + unseen * firstExtra, graphsOfBucket: extra + during(opening, isStage('compiling')),
    picture: caching(plain.events) / Math.max(1, encoded), ...(drawing(plain.events) ?? { evaluation: 0, decoding: 0 }), probe: probeTime(plain.events, probes),
    save: span(saving?.at, saved?.at), finish: span(lastThing?.at, plain.ended),
  };
}

/** How often something due every `every` steps happens after step 0; 0: only at the end. */
export const times = (every: number, total: number): number => (every > 0 ? Math.ceil(total / every) : 1);

/** The parts of a whole run of `steps` steps of `step` seconds each. */
export function wholeRun(u: Upkeep, step: number, steps: number, config: RunConfig, data: DataCounts): Estimate['time_parts'] {
  const { samples, validation, training } = config, weights = training.use_ema && samples.sample_ema ? 2 : 1;
  const pictures = samples.prompts.length * samples.seeds.length * weights * (1 + times(samples.sample_every, steps));
  const probes = validation.validation_every > 0 ? (1 + times(validation.validation_every, steps)) * Math.min(validation.validation_images, data.validation) * validation.validation_bins * (training.use_ema ? 2 : 1) : 0;
  return [
    { name: 'Start and first steps', seconds: u.start + u.graphs + (data.buckets - 1) * u.graphsOfBucket + u.finish },
    { name: 'Encoding the pictures', seconds: config.data.cache_latents ? u.picture * Math.max(0, data.pictures - data.encoded) : 0 },
    { name: 'Steps', seconds: steps * step },
    { name: 'Sample pictures', seconds: pictures * (samples.num_inference_steps * u.evaluation + u.decoding) },
    { name: 'Validation', seconds: probes * u.probe },
    { name: 'Checkpoints', seconds: times(training.checkpointing_steps, steps) * u.save },
  ].filter((part) => part.seconds > 0);
}
