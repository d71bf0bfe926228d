/** A page over Chromium's debugging port. (playwright's connectOverCDP asks Electron for what it does not have.) */
export interface DevtoolsPage {
  /** Runs a function in the page and returns what it returns, awaited. Throws what it throws. */
  evaluate<T, A>(work: (arg: A) => T | Promise<T>, arg: A): Promise<T>;
  /** Asks over the app's bridge. Throws its error. */
  ask<T>(method: string, params?: unknown): Promise<T>;
  close(): void;
}

interface Answer { id?: number; result?: { result: { value: unknown; description?: string }; exceptionDetails?: { exception?: { description?: string } } }; error?: { message: string } }
type Bridge = { lpl: { invoke(method: string, params: unknown): Promise<{ result?: unknown; error?: { message: string } }> } };

/** Connects to the first page whose address starts with `url`; undefined while there is none. */
export async function openDevtools(port: number, url: string): Promise<DevtoolsPage | undefined> {
  const targets = await fetch(`http://127.0.0.1:${port}/json/list`).then((r) => r.json(), () => []) as { type: string; url: string; webSocketDebuggerUrl: string }[];
  const target = targets.find((t) => t.type === 'page' && t.url.startsWith(url));
  if (!target) return undefined;
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await new Promise<void>((done, failed) => { socket.onopen = () => done(); socket.onerror = () => failed(new Error('the debugging port does not answer')); });
  const waiting = new Map<number, { done: (value: Answer) => void; failed: (error: Error) => void }>();
  let last = 0;
  socket.onmessage = ({ data }) => { const answer = JSON.parse(String(data)) as Answer; if (answer.id !== undefined) { waiting.get(answer.id)?.done(answer); waiting.delete(answer.id); } };
  socket.onclose = () => { for (const w of waiting.values()) w.failed(new Error('the page is gone')); };
  const page: DevtoolsPage = {
    async evaluate<T, A>(work: (arg: A) => T | Promise<T>, arg: A): Promise<T> {
      const id = ++last;
      const { result, error } = await new Promise<Answer>((done, failed) => {
        waiting.set(id, { done, failed });
        socket.send(JSON.stringify({ id, method: 'Runtime.evaluate', params: { expression: `(${String(work)})(${JSON.stringify(arg)})`, awaitPromise: true, returnByValue: true } }));
      });
      if (error || result?.exceptionDetails) throw new Error(error?.message ?? result!.exceptionDetails!.exception?.description ?? 'the page threw');
      return result!.result.value as T;
    },
    async ask<T>(method: string, params: unknown = {}): Promise<T> {
      const reply = await page.evaluate(([m, p]) => (window as never as Bridge).lpl.invoke(m as string, p), [method, params] as const);
      if (reply.error) throw new Error(`${method}: ${reply.error.message}`);
      return reply.result as T;
    },
    close: () => socket.close(),
  };
  return page;
}
