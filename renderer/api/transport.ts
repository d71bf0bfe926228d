/** How the window talks to the core. Two ways, one shape: Electron's preload bridge, and loopback HTTP. */
import type { Push, Reply, Subscription } from '../../main/contract/wire.ts';

export interface Transport {
  /** Answers with a Reply, errors included; rejects only when nobody answered. */
  invoke(method: string, params: unknown): Promise<Reply>;
  /** Streams pushes until the returned function is called. `lost` says that the stream broke: subscribe again. `refused`: somebody answers who does not let this window in. */
  subscribe(subscription: Subscription, push: (message: Push) => void, lost: (refused?: boolean) => void): () => void;
  /** Path of a dropped file, where the shell can tell; null in a browser. */
  pathOf(file: File): string | null;
  /** Hands a file over as bytes, where pathOf cannot tell its place; rejects with AppError. */
  upload(drop: string, path: string, file: File, signal: AbortSignal): Promise<void>;
}
