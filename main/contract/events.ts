/**
 * Events: what the core tells windows without being asked.
 *
 * Every event has a number that grows by one; numbers belong to one core process, named by its epoch. Every reply to a
 * method carries the number of the last event that its result already contains, so a window subscribes, asks, and
 * applies only events with a greater number. After a break it asks for events after number N; when the core no longer
 * has them, or has been restarted, it answers `reset` and the window asks for everything again.
 */
import { z } from 'zod';
import { jobSchema, settingsSchema } from './system.ts';
import { runSchema } from './runs.ts';
import { trainerEventSchema } from './trainerEvent.ts';

/** Topics with the shape of their data. "run/<id>" streams one run's events; "jobs" and "runs" carry whole rows. */
export const eventSchemas = {
  /** a run was added or changed */
  'runs.changed': z.object({ run: runSchema }),
  'runs.deleted': z.object({ id: z.string() }),
  /** the queue's order or hold changed: ask for queue.list */
  'queue.changed': z.object({}),
  /** events of a run as its process sends them; steps may be thinned out to ten per second (metrics are all recorded) */
  'run.events': z.object({ run_id: z.string(), events: z.array(trainerEventSchema) }),
  'jobs.changed': z.object({ job: jobSchema }),
  'models.changed': z.object({}),
  'projects.changed': z.object({}),
  'datasets.changed': z.object({ /** null: the list */ id: z.string().nullable() }),
  'comparisons.changed': z.object({ id: z.string().nullable() }),
  'settings.changed': z.object({ settings: settingsSchema }),
  /** something a person should see wherever they are */
  'notice': z.object({ level: z.enum(['info', 'warning', 'error']), title: z.string(), text: z.string(), run_id: z.string().nullable() }),
} as const;

export type EventType = keyof typeof eventSchemas;
export type EventData<T extends EventType> = z.output<(typeof eventSchemas)[T]>;
export type CoreEvent = { [T in EventType]: { n: number; topic: string; type: T; data: EventData<T> } }[EventType];

/** The topic an event goes out on: "run/<id>" for a run's stream, the part before the dot for the rest ("runs", "jobs", "notice" …). */
export function topicOf<T extends EventType>(type: T, data: EventData<T>): string {
  return type === 'run.events' ? `run/${(data as EventData<'run.events'>).run_id}` : type.split('.')[0]!;
}
