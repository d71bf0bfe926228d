/** The window's one client: typed calls, and live events that survive breaks. */
import { AppError } from '../../main/contract/errors.ts';
import type { CoreEvent, EventData, EventType } from '../../main/contract/events.ts';
import type { MethodName, Params, Result } from '../../main/contract/methods.ts';
import type { Push } from '../../main/contract/wire.ts';
import type { Transport } from './transport.ts';

/** A result with the number of the last event it already contains. */
export interface Snapshot<T> { n: number; result: T }
/** lost: a moment ago; gone: for longer than a restart takes; refused: another core answers at this address, with another token. All three are tried on. */
export type ConnectionState = 'connecting' | 'open' | 'lost' | 'gone' | 'refused';
/** retries, after about eight seconds */
const GONE_AFTER = 5;
type Handler = (event: CoreEvent) => void;

const unreachable = (method: string): AppError => new AppError('window.core_unreachable', 'The core of LPL Studio does not answer.',
  'It may be restarting: wait a moment and try again. If it was started anew in a terminal, open the address that it printed there. Training goes on in its own process meanwhile.', { method });

export class Client {
  readonly transport: Transport;
  #handlers = new Map<string, Set<Handler>>();
  #resets = new Set<() => void>();
  #watchers = new Set<(state: ConnectionState) => void>();
  #epoch: string | undefined;
  #after: number | undefined;
  #close: (() => void) | null = null;
  #scheduled = false;
  #retries = 0;

  constructor(transport: Transport) { this.transport = transport; }

  /** Calls a method. @throws AppError as the core sent it, or "window.core_unreachable". */
  async call<M extends MethodName>(method: M, params: Params<M>): Promise<Result<M>> {
    return (await this.snapshot(method, params)).result;
  }

  /** Like `call`, with the number after which events still have to be applied. */
  async snapshot<M extends MethodName>(method: M, params: Params<M>): Promise<Snapshot<Result<M>>> {
    const reply = await this.transport.invoke(method, params).catch(() => { throw unreachable(method); });
    if ('error' in reply) throw new AppError(reply.error.code, reply.error.message, reply.error.hint, reply.error.details);
    return { n: reply.n, result: reply.result as Result<M> };
  }

  /** Listens to events of a type; of one run for "run.events". Returns the function that stops listening. */
  on<T extends EventType>(type: T, handle: (data: EventData<T>, n: number) => void, runId?: string): () => void {
    const topic = runId === undefined ? type.split('.')[0]! : `run/${runId}`;
    const handler: Handler = (event) => { if (event.type === type) handle(event.data as EventData<T>, event.n); };
    const set = this.#handlers.get(topic) ?? new Set();
    this.#handlers.set(topic, set.add(handler));
    if (set.size === 1) this.#resubscribe();
    return () => {
      set.delete(handler);
      if (set.size === 0 && this.#handlers.delete(topic)) this.#resubscribe();
    };
  }

  /** Called when events were missed and everything must be asked for again. */
  onReset(handle: () => void): () => void {
    this.#resets.add(handle);
    return () => this.#resets.delete(handle);
  }

  onState(handle: (state: ConnectionState) => void): () => void {
    this.#watchers.add(handle);
    return () => this.#watchers.delete(handle);
  }

  /** One stream for all topics; changes of the same tick open it once. */
  #resubscribe(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => { this.#scheduled = false; this.#open(); });
  }

  #open(): void {
    this.#close?.();
    this.#close = null;
    const topics = [...this.#handlers.keys()];
    if (topics.length === 0) return;
    this.#close = this.transport.subscribe({ topics, epoch: this.#epoch, after: this.#after }, (m) => this.#receive(m), (refused) => this.#lost(refused));
  }

  #receive(message: Push): void {
    if ('hello' in message) {
      const { epoch, n, reset } = message.hello;
      const first = this.#epoch === undefined;
      this.#retries = 0;
      this.#epoch = epoch;
      if (first || reset) this.#after = n;
      this.#tell('open');
      if (reset && !first) for (const handle of [...this.#resets]) handle();
      return;
    }
    this.#after = message.event.n;
    for (const handler of [...(this.#handlers.get(message.event.topic) ?? [])]) handler(message.event);
  }

  #lost(refused = false): void {
    this.#tell(refused ? 'refused' : this.#retries < GONE_AFTER ? 'lost' : 'gone');
    this.#close = null;
    const wait = Math.min(5_000, 250 * 2 ** this.#retries++);
    setTimeout(() => { if (!this.#close) this.#open(); }, wait);
  }

  #tell(state: ConnectionState): void { for (const watch of this.#watchers) watch(state); }
}
