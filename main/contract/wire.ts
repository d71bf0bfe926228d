/**
 * The same conversation over two transports.
 *
 * Loopback HTTP: `POST /api/<method>` with the parameters as JSON, answered by a Reply (status 200, or 4xx/5xx with
 * `error`); `GET /events?topics=a,b&epoch=E&after=N` as server-sent events whose data are Push objects. The page's
 * address carries the token once (`/?token=…`); it is kept in a cookie.
 *
 * Electron: the preload puts a Bridge on `window.lpl`. The page lies on `lpl://app/`, so `/media/…` works in both.
 */
import type { AppErrorData } from './errors.ts';
import type { CoreEvent } from './events.ts';

/** `n`: number of the last event that this result already contains; `epoch`: the core process it belongs to. */
export type Reply = { epoch: string; n: number; result: unknown } | { epoch: string; n: number; error: AppErrorData };

/** First `hello` (with reset: true when events were missed), then events in order. */
export type Push = { hello: { epoch: string; n: number; reset: boolean } } | { event: CoreEvent };

export interface Subscription { topics: string[]; epoch?: string | undefined; after?: number | undefined }

/** What the preload exposes: invoke and subscribe, nothing else. */
export interface Bridge {
  invoke(method: string, params: unknown): Promise<Reply>;
  /** Calls back with every Push; returns the function that ends it. */
  subscribe(subscription: Subscription, push: (message: Push) => void): () => void;
  /** The path of a file dropped onto the window. */
  pathOf(file: unknown): string;
}

/** Path of a picture or file by id; `width` asks for a smaller copy of a picture. */
export const mediaUrl = (kind: 'sample' | 'image' | 'cut' | 'roundtrip' | 'export' | 'vote' | 'report', mediaId: string, width?: number): string =>
  `/media/${kind}/${encodeURIComponent(mediaId)}${width ? `?w=${width}` : ''}`;
