import { until } from '../api/helpers.ts';

/** A page over Chromium's debugging port. (playwright's connectOverCDP asks Electron for what it does not have.) */
export interface DevtoolsPage {
  /** Runs a function in the page and returns what it returns, awaited. Throws what it throws. */
  evaluate<T, A>(work: (arg: A) => T | Promise<T>, arg: A): Promise<T>;
  /** Asks over the app's bridge. Throws its error. */
  ask<T>(method: string, params?: unknown): Promise<T>;
  /** Clicks with the mouse on the first visible element of that selector that says `text`, once it has come and stands still. */
  click(selector: string, text: RegExp | string, timeout?: number): Promise<void>;
  /** The page as a PNG. */
  picture(): Promise<Buffer>;
  close(): void;
}

interface Answer { id?: number; result?: { result: { value: unknown; description?: string }; data?: string; exceptionDetails?: { exception?: { description?: string } } }; error?: { message: string } }
type Bridge = { lpl: { invoke(method: string, params: unknown): Promise<{ result?: unknown; error?: { message: string } }> } };

/** Runs in the page: the middle of the element in view, once it has not moved for two frames and nothing lies over it; else nothing. */
async function middleOf([selector, source]: readonly [string, string]): Promise<[number, number] | undefined> {
  const says = new RegExp(source);
  const el = [...document.querySelectorAll<HTMLElement>(selector)].find((e) => e.checkVisibility() && says.test((e.getAttribute('aria-label') ?? e.innerText).trim()));
  if (!el || el.matches(':disabled')) return undefined;
  el.scrollIntoView({ block: 'nearest' });
  const place = (): DOMRect => el.getBoundingClientRect();
  const before = place();
  await new Promise((done) => { setTimeout(done, 120); });
  const { x, y, width, height } = place();
  const at = [x + width / 2, y + height / 2] as [number, number];
  const over = document.elementFromPoint(...at);
  return before.x === x && before.y === y && over && (el.contains(over) || over.contains(el)) ? at : undefined;
}

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
  const send = async (method: string, params: object): Promise<Answer> => {
    const id = ++last;
    const answer = await new Promise<Answer>((done, failed) => { waiting.set(id, { done, failed }); socket.send(JSON.stringify({ id, method, params })); });
    if (answer.error) throw new Error(`${method}: ${answer.error.message}`);
    return answer;
  };
  const page: DevtoolsPage = {
    async evaluate<T, A>(work: (arg: A) => T | Promise<T>, arg: A): Promise<T> {
      const { result } = await send('Runtime.evaluate', { expression: `(${String(work)})(${JSON.stringify(arg)})`, awaitPromise: true, returnByValue: true });
      if (result?.exceptionDetails) throw new Error(result.exceptionDetails.exception?.description ?? 'the page threw');
      return result!.result.value as T;
    },
    async click(selector, text, timeout = 30_000) {
      const source = typeof text === 'string' ? `^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$` : text.source;
      const [x, y] = await until(() => page.evaluate(middleOf, [selector, source] as const), `a ${selector} that says ${String(text)}`, timeout);
      for (const type of ['mouseMoved', 'mousePressed', 'mouseReleased'] as const) await send('Input.dispatchMouseEvent', { type, x, y, button: type === 'mouseMoved' ? 'none' : 'left', clickCount: type === 'mouseMoved' ? 0 : 1 });
    },
    async picture() { return Buffer.from((await send('Page.captureScreenshot', { format: 'png' })).result!.data!, 'base64'); },
    async ask<T>(method: string, params: unknown = {}): Promise<T> {
      const reply = await page.evaluate(([m, p]) => (window as never as Bridge).lpl.invoke(m as string, p), [method, params] as const);
      if (reply.error) throw new Error(`${method}: ${reply.error.message}`);
      return reply.result as T;
    },
    close: () => socket.close(),
  };
  return page;
}
