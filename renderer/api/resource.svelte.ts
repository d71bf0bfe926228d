/** Pull once, then follow: a value from the core with its loading and error states, kept true by events. */
import { untrack } from 'svelte';
import { toAppError, type AppErrorData } from '../../main/contract/errors.ts';
import type { EventData, EventType } from '../../main/contract/events.ts';
import type { MethodName, Params, Result } from '../../main/contract/methods.ts';
import { client } from './api.ts';

export class Resource<M extends MethodName> {
  value: Result<M> | null = $state.raw(null);
  error: AppErrorData | null = $state.raw(null);
  loading = $state(true);
  readonly method: M;
  readonly params: () => Params<M>;
  #n = 0;
  #asked = 0;
  #ends: (() => void)[] = [];

  constructor(method: M, params: () => Params<M>) {
    this.method = method;
    this.params = params;
    this.#ends.push(client.onReset(() => void this.refresh()));
  }

  /** Asks again; a slower earlier answer never overwrites a later one. */
  async refresh(): Promise<void> {
    const asked = ++this.#asked;
    this.loading = true;
    try {
      const { n, result } = await client.snapshot(this.method, this.params());
      if (asked !== this.#asked) return;
      this.#n = n;
      this.value = result;
      this.error = null;
    } catch (error) {
      if (asked === this.#asked) this.error = toAppError(error);
    } finally {
      if (asked === this.#asked) this.loading = false;
    }
  }

  /** Changes the value by an event, unless the value already contains it. */
  apply<T extends EventType>(type: T, change: (value: Result<M>, data: EventData<T>) => Result<M>, runId?: string): this {
    this.#ends.push(client.on(type, (data, n) => {
      if (this.value !== null && n > this.#n) this.value = change(this.value, data);
    }, runId));
    return this;
  }

  /** Asks again whenever such an event comes. */
  refreshOn<T extends EventType>(type: T, when: (data: EventData<T>) => boolean = () => true, runId?: string): this {
    this.#ends.push(client.on(type, (data) => { if (when(data)) void this.refresh(); }, runId));
    return this;
  }

  end(): void {
    for (const end of this.#ends) end();
    this.#ends = [];
  }
}

/** A Resource that lives as long as the component that makes it. */
export function useResource<M extends MethodName>(method: M, params: () => Params<M>, follow: (r: Resource<M>) => void = () => {}): Resource<M> {
  const resource = new Resource(method, params);
  follow(resource);
  $effect(() => { params(); untrack(() => void resource.refresh()); });
  $effect(() => () => resource.end());
  return resource;
}
