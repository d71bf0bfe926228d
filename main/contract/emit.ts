/** How a room tells windows about a change. */
import type { EventData, EventType } from './events.ts';

export type Emit = <T extends EventType>(type: T, data: EventData<T>) => void;
