/** The core process as the shell sees it: a real Node (training needs one anyway), started, spoken to, and restarted when it dies. */
import { spawn, type ChildProcess } from 'node:child_process';
import type { AppErrorData } from '../main/contract/errors.ts';
import type { Push, Reply, Subscription } from '../main/contract/wire.ts';

export interface MediaReply { file: string; sha256: string | null; name: string; download?: boolean; type?: string }
type Answer = Reply | MediaReply | { error: AppErrorData };
type Message = { type: 'ready' } | { type: 'reply'; id: number; reply: Answer } | { type: 'push'; id: number; push: Push } | { fatal: AppErrorData };
interface Subscribed { subscription: Subscription; push: (message: Push) => void }

const gone: AppErrorData = { code: 'shell.core_gone', message: 'The core of LPL Studio has just ended and is being started again.', hint: 'Try again in a moment. Training goes on in its own process meanwhile.' };
/** so many deaths in a row, none of them living for a minute, are one too many */
const RESTARTS = 5;
const LASTING_MS = 60_000;

/** `fatal` is told why the core cannot start (a damaged database, another instance …); `died` of every unexpected end, with its last words. */
export interface CoreWatcher { fatal(error: AppErrorData): void; died(details: Record<string, unknown>): void }

export class Core {
  readonly #node: string;
  readonly #entry: string;
  readonly #on: CoreWatcher;
  #child: ChildProcess | null = null;
  #ready: Promise<void> = Promise.resolve();
  #id = 0;
  #closing = false;
  #isReady = false;
  #restarts = 0;
  #readyAt = Date.now();
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly #subscribed = new Map<number, Subscribed>();

  constructor(node: string, entry: string, on: CoreWatcher) {
    this.#node = node;
    this.#entry = entry;
    this.#on = on;
    this.#start();
  }

  get pid(): number | undefined { return this.#child?.pid; }

  #start(): void {
    const child = spawn(this.#node, [this.#entry], { stdio: ['ignore', 'inherit', 'pipe', 'ipc'], env: { ...process.env, ELECTRON_RUN_AS_NODE: undefined } });
    this.#child = child;
    let words = '';
    child.stderr!.on('data', (piece: Buffer) => { words = (words + String(piece)).slice(-8_192); process.stderr.write(piece); });
    this.#ready = new Promise((resolve) => {
      child.once('exit', () => resolve()); // whoever waits is told that it is gone
      child.on('message', (m: Message) => {
        if ('fatal' in m) { this.#closing = true; this.#on.fatal(m.fatal); return; }
        if (m.type === 'ready') { this.#isReady = true; this.#readyAt = Date.now(); resolve(); for (const [id, s] of this.#subscribed) this.#ask({ type: 'subscribe', id, ...s.subscription }); }
        if (m.type === 'reply') { this.#waiting.get(m.id)?.(m.reply); this.#waiting.delete(m.id); }
        if (m.type === 'push') this.#subscribed.get(m.id)?.push(m.push);
      });
    });
    child.on('error', (error) => this.#on.fatal({ code: 'shell.no_node', message: `The core could not be started: ${error.message}`, hint: 'Install the app again.' }));
    child.on('exit', (code, signal) => {
      if (!this.#closing) this.#on.died({ exit_code: code, signal, last_words: words });
      this.#ended();
    });
  }
  /** Everything that waits is answered; subscriptions go on with the next core, whose other epoch tells windows to start over. */
  #ended(): void {
    this.#isReady = false;
    for (const answer of this.#waiting.values()) answer({ error: gone });
    this.#waiting.clear();
    if (this.#closing) return;
    if (Date.now() - this.#readyAt > LASTING_MS) this.#restarts = 0;
    if (++this.#restarts > RESTARTS) { this.#on.fatal({ code: 'shell.core_keeps_ending', message: 'The core of LPL Studio ended again and again.', hint: 'Start the app again. If it does not help, report it with the log.' }); return; }
    setTimeout(() => this.#start(), 200 * this.#restarts);
  }
  #ask(message: unknown): void { if (this.#child?.connected) this.#child.send(message as never, () => undefined); }
  async #request(message: Record<string, unknown>): Promise<Answer> {
    await this.#ready;
    if (!this.#child?.connected) return { error: gone };
    const id = ++this.#id;
    return new Promise((resolve) => { this.#waiting.set(id, resolve); this.#ask({ ...message, id }); });
  }

  async call(method: string, params: unknown): Promise<Reply> {
    const answer = await this.#request({ type: 'call', method, params });
    return 'epoch' in answer ? answer : { epoch: '', n: 0, error: 'error' in answer ? answer.error : gone };
  }
  /** Throws the core's error. */
  async media(kind: string, media: string, width?: number): Promise<MediaReply> {
    const answer = await this.#request({ type: 'media', kind, media, width });
    if ('file' in answer) return answer;
    throw new Error('error' in answer ? answer.error.message : 'no such media');
  }
  subscribe(subscription: Subscription, push: (message: Push) => void): () => void {
    const id = ++this.#id;
    this.#subscribed.set(id, { subscription, push });
    if (this.#isReady) this.#ask({ type: 'subscribe', id, ...subscription });
    return () => { this.#subscribed.delete(id); this.#ask({ type: 'unsubscribe', id }); };
  }
  /** Ends the core; training goes on by itself. */
  async close(): Promise<void> {
    this.#closing = true;
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => { child.once('exit', () => resolve()); });
    this.#ask({ type: 'close' });
    const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
    await ended;
    clearTimeout(timer);
  }
}
