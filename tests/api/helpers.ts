/** A core of its own for a test: a folder under the system's temporary folder, the scripted trainer, both transports. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { afterAll, onTestFinished } from 'vitest';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../../main/contract/errors.ts';
import type { MethodName, Params, Result } from '../../main/contract/methods.ts';
import type { Push, Reply } from '../../main/contract/wire.ts';

export const fakeTrainer = join(import.meta.dirname, '..', 'fixtures', 'fakeTrainer.ts');
export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'lpl-test-'));

/** A folder that passes for pictures and one that passes for a model: the scripted trainer opens neither. */
export function fakeSources(dataDir: string): { base: string; dataset: string } {
  const base = join(dataDir, 'model'), dataset = join(dataDir, 'pictures');
  for (const d of [base, dataset]) mkdirSync(d, { recursive: true });
  return { base, dataset };
}

export const scripted = (dataDir: string, script: Record<string, unknown> = {}): Record<string, unknown> => {
  const { base, dataset } = fakeSources(dataDir);
  return { model: { base }, data: { dataset }, samples: { prompts: ['a test'], negative_prompt: JSON.stringify(script) }, training: { max_train_steps: Number(script['steps'] ?? 5) } };
};

export interface TestCore {
  dataDir: string;
  process: ChildProcess;
  stderr: () => string;
  raw(method: string, params: unknown): Promise<Reply>;
  call<M extends MethodName>(method: M, params: Params<M>): Promise<Result<M>>;
  subscribe(topics: string[], push: (m: Push) => void, from?: { epoch: string; after: number }): () => void;
  close(): Promise<void>;
  kill(): Promise<void>;
  url?: string;
}

/** No core outlives the file of tests that started it, whatever failed there. */
const started = new Set<ChildProcess>();
function kept<T extends ChildProcess>(child: T): T {
  started.add(child);
  child.once('exit', () => started.delete(child));
  return child;
}
if (process.env['VITEST']) afterAll(() => Promise.all([...started].map((child) => { child.kill('SIGKILL'); return exited(child); })).then(() => undefined));

const exited = (child: ChildProcess): Promise<void> => new Promise((resolve) => { if (child.exitCode !== null || child.signalCode !== null) resolve(); else child.once('exit', () => resolve()); });
const env = (dataDir: string): NodeJS.ProcessEnv => ({ ...process.env, LPL_DATA: dataDir, LPL_TRAINER: fakeTrainer, LPL_CHECK_RESULTS: '1' });
const entry = join(import.meta.dirname, '..', '..', 'main', 'core.ts');

function withCalls(core: Omit<TestCore, 'call'>): TestCore {
  return { ...core, async call(method, params) {
    const reply = await core.raw(method, params);
    if ('error' in reply) throw new AppError(reply.error.code, reply.error.message, reply.error.hint, reply.error.details);
    return reply.result as never;
  } };
}

/** Rejects with what the core printed when it ends before it is ready. */
function ready<T>(child: ChildProcess, stderr: () => string, become: (resolve: (value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the core ended (${code}): ${stderr()}`)));
    become(resolve);
  });
}

export async function httpCore(dataDir = temporaryFolder(), more: string[] = [], moreEnv: NodeJS.ProcessEnv = {}): Promise<TestCore> {
  const child = kept(spawn(process.execPath, [entry, '--serve', ...more], { env: { ...env(dataDir), ...moreEnv }, stdio: ['ignore', 'pipe', 'pipe'] }));
  let err = '';
  child.stderr.on('data', (d: Buffer) => { err += String(d); });
  const url = await ready<string>(child, () => err, (resolve) => {
    let out = '';
    child.stdout.on('data', (d: Buffer) => { out += String(d); const m = /LPL Studio is ready: (\S+)\n/.exec(out); if (m) resolve(m[1]!); });
  });
  const { origin, searchParams } = new URL(url);
  const headers = { authorization: `Bearer ${searchParams.get('token')}` };
  return withCalls({
    dataDir, process: child, stderr: () => err, url,
    async raw(method, params) {
      const response = await fetch(`${origin}/api/${method}`, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(params) });
      return await response.json() as Reply;
    },
    subscribe(topics, push, from) {
      const abort = new AbortController();
      const query = new URLSearchParams({ topics: topics.join(','), ...(from ? { epoch: from.epoch, after: String(from.after) } : {}) });
      void fetch(`${origin}/events?${query}`, { headers, signal: abort.signal }).then(async (response) => {
        let rest = '';
        for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
          const parts = (rest + piece).split('\n\n');
          rest = parts.pop()!;
          for (const p of parts) if (p.startsWith('data: ')) push(JSON.parse(p.slice(6)) as Push);
        }
      }).catch(() => undefined);
      return () => abort.abort();
    },
    async close() { child.kill('SIGTERM'); await exited(child); },
    async kill() { child.kill('SIGKILL'); await exited(child); },
  });
}

export async function ipcCore(dataDir = temporaryFolder()): Promise<TestCore> {
  const child = kept(spawn(process.execPath, [entry], { env: env(dataDir), stdio: ['ignore', 'ignore', 'pipe', 'ipc'] }));
  let err = '', id = 0;
  child.stderr!.on('data', (d: Buffer) => { err += String(d); });
  const waiting = new Map<number, (r: Reply) => void>();
  const pushes = new Map<number, (m: Push) => void>();
  type Message = { type: string; id: number; reply: Reply; push: Push };
  await ready<void>(child, () => err, (resolve) => {
    child.on('message', (m: Message) => {
      if (m.type === 'ready') resolve();
      if (m.type === 'reply') { waiting.get(m.id)?.(m.reply); waiting.delete(m.id); }
      if (m.type === 'push') pushes.get(m.id)?.(m.push);
    });
  });
  return withCalls({
    dataDir, process: child, stderr: () => err,
    raw: (method, params) => new Promise((resolve) => { waiting.set(++id, resolve); child.send({ type: 'call', id, method, params }); }),
    subscribe(topics, push, from) {
      const mine = ++id;
      pushes.set(mine, push);
      child.send({ type: 'subscribe', id: mine, topics, ...from });
      return () => { pushes.delete(mine); child.send({ type: 'unsubscribe', id: mine }); };
    },
    async close() { if (child.connected) child.send({ type: 'close' }); await exited(child); },
    async kill() { child.kill('SIGKILL'); await exited(child); },
  });
}

/** Waits until `look` gives something; fails with what was last seen. */
export async function until<T>(look: () => Promise<T | undefined | false>, what: string, ms = 60_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited too long for: ${what}`);
    await new Promise((r) => setTimeout(r, 25));
  }
}
/** Ends scripted trainings that a failed test left behind, then deletes the folder. */
export function remove(dir: string): void {
  for (const run of existsSync(join(dir, 'runs')) ? readdirSync(join(dir, 'runs')) : []) {
    const journal = join(dir, 'runs', run, 'events.jsonl');
    const pids = existsSync(journal) ? [...readFileSync(journal, 'utf8').matchAll(/"type":"started","pid":(\d+)/g)].map((m) => Number(m[1])) : [];
    for (const pid of pids) if (commandLine(pid).includes(dir)) process.kill(pid, 'SIGKILL');
  }
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
}
function commandLine(pid: number): string {
  try { return readFileSync(`/proc/${pid}/cmdline`, 'utf8'); } catch { return ''; }
}

/** A small file system that really fills up; it goes with the test. */
export function smallDisk(dir: string, mb: number, options = ''): void {
  mkdirSync(dir, { recursive: true });
  const made = spawnSync('/bin/mount', ['-t', 'tmpfs', '-o', `size=${mb}m${options}`, 'tmpfs', dir], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`this test mounts a small tmpfs and may not: ${made.stderr}. Run it as root, as .ci/run does.`);
  onTestFinished(() => { execFileSync('/bin/umount', ['-l', dir]); rmSync(dir, { recursive: true, force: true }); });
}
