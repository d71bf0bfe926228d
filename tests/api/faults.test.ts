/** What must survive: kill -9 of training and core at random moments, a full disk, two instances, a taken port, a jumping clock, a hung child. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { cpSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { startTime } from '../../main/files/processIdentity.ts';
import { journalOf, moments, pause, sameAsJournal } from './journal.ts';
import { httpCore, ipcCore, remove, scripted, smallDisk, temporaryFolder, until, type TestCore } from './helpers.ts';

const stepsOf = async (core: TestCore, id: string): Promise<number[]> => (await core.call('metrics.series', { run_id: id, names: ['loss'], max_points: 20_000 }))[0]!.steps;
const state = (core: TestCore, id: string, wanted: string) => until(async () => { const r = await core.call('runs.get', { id }); return r.state === wanted && r; }, `run to be ${wanted}`, 60_000);

test('25 times kill -9 of the core: training goes on, no event is lost, the queue stays in order', { timeout: 400_000 }, async () => {
  const dataDir = temporaryFolder();
  onTestFinished(() => remove(dataDir));
  let core = await ipcCore(dataDir);
  const { id } = await core.call('runs.create', { config: scripted(dataDir, { steps: 1_000_000, ms: 10 }), start: true });
  const waiting: string[] = [];
  for (let i = 0; i < 3; i++) waiting.push((await core.call('runs.create', { name: `waits ${i}`, config: scripted(dataDir, { steps: 2 }), start: true })).id);
  await state(core, id, 'running');
  const { folder } = await core.call('runs.get', { id });
  const pid = (journalOf(folder).find((e) => e.type === 'started') as { pid: number }).pid;
  for (const moment of moments(25, 7)) {
    await pause(moment * 150);
    await core.kill();
    core = await ipcCore(dataDir);
    expect((await core.call('queue.list', {})).waiting.map((r) => r.id)).toEqual(waiting);
    expect((await core.call('runs.get', { id })).state).toMatch(/running|starting/);
  }
  expect(() => process.kill(pid, 0)).not.toThrow();
  await core.call('runs.stop', { id });
  await state(core, id, 'stopped');
  await sameAsJournal(core.call, id);
  for (const w of waiting) await state(core, w, 'finished');
  await core.close();
});

test('25 times kill -9 of the training process: every journaled event is in the database, what waits keeps waiting, and it resumes', { timeout: 400_000 }, async () => {
  const core = await ipcCore();
  onTestFinished(async () => { await core.close(); remove(core.dataDir); });
  const { id, folder } = await core.call('runs.create', { config: scripted(core.dataDir, { steps: 1_000_000, ms: 5 }), start: true });
  await state(core, id, 'running');
  const waiting: string[] = [];
  for (let i = 0; i < 3; i++) waiting.push((await core.call('runs.create', { name: `waits ${i}`, config: scripted(core.dataDir, { steps: 2 }), start: true })).id);
  const queue = async (): Promise<string[]> => (await core.call('queue.list', {})).waiting.map((r) => r.id);
  for (const moment of moments(25, 99)) {
    await state(core, id, 'running');
    await core.call('queue.hold', { held: true }); // or the next one would start in its place
    const pid = (journalOf(folder).findLast((e) => e.type === 'started') as { pid: number }).pid;
    await pause(moment * 120);
    process.kill(pid, 'SIGKILL');
    const failed = await state(core, id, 'failed');
    expect(failed.exit_reason).toBe('killed');
    expect(failed.error!.hint).toMatch(/[Rr]esume/);
    expect(failed.last_event).toBe(journalOf(folder).at(-1)!.n);
    expect(await queue()).toEqual(waiting);
    await core.call('runs.resume', { id, priority: 1 });
    await core.call('queue.hold', { held: false });
  }
  await state(core, id, 'running');
  await core.call('runs.stop', { id });
  await state(core, id, 'stopped');
  const events = await sameAsJournal(core.call, id);
  expect(events.filter((e) => e.type === 'started'), 'a process for each resume').toHaveLength(26);
  for (const w of waiting) await state(core, w, 'finished');
});

test('a restart of the machine: the run that was training is lost though another process has its number now, the queue goes on in order, and it can be resumed', async () => {
  const dataDir = temporaryFolder();
  onTestFinished(() => remove(dataDir));
  let core = await ipcCore(dataDir);
  const { id, folder } = await core.call('runs.create', { config: scripted(dataDir, { steps: 200, ms: 10 }), start: true });
  await state(core, id, 'running');
  const waiting: string[] = [];
  for (let i = 0; i < 2; i++) waiting.push((await core.call('runs.create', { name: `waits ${i}`, config: scripted(dataDir, { steps: 2 }), start: true })).id);
  await core.close();
  const { pid } = journalOf(folder).find((e) => e.type === 'started') as { pid: number };
  expect(() => process.kill(pid, 0), 'training goes on without the app').not.toThrow();
  process.kill(pid, 'SIGKILL');
  await pause(100);
  const stranger = spawn('sleep', ['600'], { stdio: 'ignore' });
  onTestFinished(() => { stranger.kill('SIGKILL'); });
  const db = new Database(join(dataDir, 'studio.sqlite'));
  db.prepare("UPDATE runs SET pid = ?, pid_started = 'the boot before:1' WHERE id = ?").run(stranger.pid, id);
  db.close();
  writeFileSync(join(folder, 'run.lock'), `${stranger.pid} the-boot-before:1`);
  core = await ipcCore(dataDir);
  expect(await state(core, id, 'lost')).toMatchObject({ exit_reason: 'killed', error: { code: 'trainer.vanished' } });
  for (const w of waiting) await state(core, w, 'finished');
  const began = await Promise.all(waiting.map(async (w) => (await core.call('runs.get', { id: w })).started_at!));
  expect(began).toEqual([...began].sort((a, b) => a - b));
  await core.call('runs.resume', { id });
  await state(core, id, 'finished');
  expect(stranger.exitCode ?? stranger.signalCode, 'the stranger was left alone').toBeNull();
  await core.close();
});

test('a training whose number was never written down, because the core was killed right after starting it, is found by its lock', async () => {
  const dataDir = temporaryFolder();
  onTestFinished(() => remove(dataDir));
  let core = await ipcCore(dataDir);
  const { id } = await core.call('runs.create', { config: scripted(dataDir, { steps: 1_000_000, ms: 10 }), start: true });
  const { folder } = await state(core, id, 'running');
  await core.kill();
  const db = new Database(join(dataDir, 'studio.sqlite'));
  db.exec("UPDATE runs SET state = 'starting', pid = NULL, pid_started = NULL");
  db.close();
  core = await ipcCore(dataDir);
  await core.call('runs.stop', { id });
  await state(core, id, 'stopped');
  expect(journalOf(folder).filter((e) => e.type === 'started'), 'one training, not two').toHaveLength(1);
  await core.close();
});

test('a run that is resumed while its process is still on its way out waits for it, and goes on', async () => {
  const core = await ipcCore();
  onTestFinished(async () => { await core.close(); remove(core.dataDir); });
  const { id, folder } = await core.call('runs.create', { config: scripted(core.dataDir, { steps: 1_000_000, ms: 10, linger: 1_500 }), start: true });
  for (const round of [1, 2, 3]) {
    await state(core, id, 'running');
    await core.call('runs.stop', { id });
    await state(core, id, 'stopped');
    await core.call('runs.resume', { id });
    await until(async () => journalOf(folder).filter((e) => e.type === 'started').length === round + 1, 'the next process');
    expect((await state(core, id, 'running')).error).toBeNull();
  }
  await pause(500);
  expect((await core.call('runs.get', { id })).state).toBe('running');
  await core.call('runs.kill', { id });
  await state(core, id, 'stopped');
});

test('a folder in which another process trains is left alone until that has ended', async () => {
  const core = await ipcCore();
  onTestFinished(async () => { await core.close(); remove(core.dataDir); });
  const holder = spawn('sleep', ['600'], { stdio: 'ignore' });
  onTestFinished(() => { holder.kill('SIGKILL'); });
  const { id, folder } = await core.call('runs.create', { config: scripted(core.dataDir) });
  writeFileSync(join(folder, 'run.lock'), `${holder.pid} ${startTime(holder.pid!)}`);
  await core.call('runs.start', { id });
  await pause(1_000);
  expect(await core.call('runs.get', { id })).toMatchObject({ state: 'starting', step: 0 });
  holder.kill('SIGKILL');
  await state(core, id, 'finished');
});

test('training that ended by itself while the app was closed is finished at the next start', async () => {
  const dataDir = temporaryFolder();
  onTestFinished(() => remove(dataDir));
  let core = await ipcCore(dataDir);
  const { id } = await core.call('runs.create', { config: scripted(dataDir, { steps: 40, ms: 10 }), start: true });
  const { folder } = await state(core, id, 'running');
  await core.close();
  await until(async () => journalOf(folder).at(-1)?.type === 'finished', 'the end of the training');
  core = await ipcCore(dataDir);
  const run = await state(core, id, 'finished');
  expect(await stepsOf(core, id)).toHaveLength(40);
  expect(run.error).toBeNull();
  await core.close();
});

test('a run whose folder was taken away says so and is not begun anew in an empty one; it is found where it was moved to, and a copy of it is left alone', async () => {
  const dataDir = temporaryFolder();
  onTestFinished(() => remove(dataDir));
  let core = await ipcCore(dataDir);
  const { id, folder } = await core.call('runs.create', { name: 'On the other disk', config: scripted(dataDir, { steps: 1_000_000, ms: 5 }), start: true });
  await until(async () => (await core.call('runs.get', { id })).step > 10, 'steps');
  await core.call('runs.stop', { id });
  const before = await state(core, id, 'stopped');
  const elsewhere = join(dataDir, 'another disk');
  renameSync(folder, elsewhere);
  await expect(core.call('runs.resume', { id })).rejects.toMatchObject({ code: 'run.folder_gone', message: expect.stringContaining(folder), hint: expect.stringMatching(/Put it back/) });
  await core.call('runs.update', { id, name: 'Renamed meanwhile' });
  expect(existsSync(folder), 'nothing stands in its way back').toBe(false);
  expect(await core.call('runs.get', { id })).toMatchObject({ state: 'stopped', last_event: before.last_event });
  await core.close();
  const moved = join(dataDir, 'runs', 'tidied up'), copy = join(dataDir, 'runs', 'a backup of it');
  renameSync(elsewhere, moved);
  for (const round of [1, 2]) { // the second start finds it where it knows it to be
    core = await ipcCore(dataDir);
    expect(await core.call('runs.get', { id }), `start ${round}`).toMatchObject({ folder: moved, name: 'Renamed meanwhile', state: 'stopped' });
    expect(core.stderr()).not.toMatch(/copy/);
    await core.close();
  }
  cpSync(moved, copy, { recursive: true });
  core = await ipcCore(dataDir);
  expect(core.stderr()).toMatch(/a backup of it is a copy of the folder of "Renamed meanwhile"/);
  await core.call('runs.resume', { id });
  await until(async () => (await core.call('runs.get', { id })).step > before.step, 'more steps');
  await core.call('runs.stop', { id });
  await state(core, id, 'stopped');
  await sameAsJournal(core.call, id);
  await core.close();
});

test('the database can be thrown away: it is rebuilt from the run folders', async () => {
  const dataDir = temporaryFolder();
  onTestFinished(() => remove(dataDir));
  let core = await ipcCore(dataDir);
  const { id } = await core.call('runs.create', { name: 'Kept by its folder', config: scripted(dataDir, { steps: 30, ms: 1 }), start: true });
  await state(core, id, 'finished');
  await core.call('queue.hold', { held: true });
  const queued = await core.call('runs.create', { name: 'Waits', config: scripted(dataDir), start: true });
  const before = [await core.call('runs.get', { id }), await stepsOf(core, id), await core.call('checkpoints.list', { run_id: id })];
  await core.close();
  for (const f of ['studio.sqlite', 'studio.sqlite-wal', 'studio.sqlite-shm']) rmSync(join(dataDir, f), { force: true });
  core = await ipcCore(dataDir);
  expect([await core.call('runs.get', { id }), await stepsOf(core, id), await core.call('checkpoints.list', { run_id: id })]).toEqual(before);
  await state(core, queued.id, 'finished'); // the hold was a setting and went with the database
  await core.close();
});

test('a full disk is said in words, loses nothing, and is over when there is space again', async () => {
  const dataDir = temporaryFolder();
  smallDisk(dataDir, 24);
  const core = await ipcCore(dataDir);
  onTestFinished(() => core.kill());
  const { id, folder } = await core.call('runs.create', { config: scripted(dataDir, { steps: 1_000_000, ms: 5 }), start: true });
  await state(core, id, 'running');
  const { pid } = journalOf(folder).find((e) => e.type === 'started') as { pid: number };
  const ballast = join(dataDir, 'ballast');
  spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=64k'], { stdio: 'ignore' });
  spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4k', 'oflag=append', 'conv=notrunc'], { stdio: 'ignore' });
  await until(async () => { try { process.kill(pid, 0); return false; } catch { return true; } }, 'the training process to end', 60_000);
  expect((await core.call('system.info', {})).pid, 'the core lives on').toBe(core.process.pid);
  const refused = await core.raw('runs.duplicate', { id });
  if ('error' in refused) expect(refused.error).toMatchObject({ code: expect.stringMatching(/disk_full|disk\.full/), hint: expect.stringMatching(/[Ff]ree some space/) });
  rmSync(ballast);
  expect(await state(core, id, 'failed')).toMatchObject({ exit_reason: 'disk_full', error: { hint: expect.stringMatching(/[Ff]ree some space/) } });
  expect((await core.call('runs.get', { id })).last_event).toBe(journalOf(folder).at(-1)!.n);
  const events = journalOf(folder);
  expect(events.map((e) => e.n)).toEqual(events.map((_, i) => i + 1));
  expect(await stepsOf(core, id)).toEqual(events.filter((e) => e.type === 'step').map((e) => e.step));
});

test('a read-only data folder, and a full one, are refused in words', async () => {
  const dataDir = temporaryFolder();
  smallDisk(dataDir, 16);
  const core = await ipcCore(dataDir);
  await core.close();
  execFileSync('mount', ['-o', 'remount,ro', dataDir]);
  await expect(ipcCore(dataDir)).rejects.toThrow(/The data folder cannot be used\. The disk is read-only: [^]*another data folder with LPL_DATA/);
  execFileSync('mount', ['-o', 'remount,rw', dataDir]);
  spawnSync('dd', ['if=/dev/zero', `of=${join(dataDir, 'ballast')}`, 'bs=4k'], { stdio: 'ignore' });
  await expect(ipcCore(dataDir)).rejects.toThrow(/disk is full[^]*(Free some space|with some free space)/);
  rmSync(join(dataDir, 'ballast'));
  await (await ipcCore(dataDir)).close();
});

test('a second instance on the same data opens the first one; on IPC it is refused', async () => {
  const core = await httpCore();
  onTestFinished(async () => { await core.close(); remove(core.dataDir); });
  const second = spawn(process.execPath, [join(import.meta.dirname, '..', '..', 'main', 'core.ts'), '--serve'], { env: { ...process.env, LPL_DATA: core.dataDir }, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => { second.kill('SIGKILL'); });
  let out = '';
  second.stdout.on('data', (d: Buffer) => { out += String(d); });
  const code = await new Promise((r) => second.once('exit', r));
  expect(code).toBe(0);
  expect(out.trim()).toBe(`LPL Studio is ready: ${core.url}`);
  await expect(ipcCore(core.dataDir)).rejects.toThrow(/already running/);
  expect((await core.call('system.info', {})).pid).toBe(core.process.pid);
});

test('a taken port is named, and the next start is not in its way', async () => {
  const other = createServer(() => undefined).listen(0, '127.0.0.1');
  await new Promise((r) => other.once('listening', r));
  const { port } = other.address() as AddressInfo;
  const dataDir = temporaryFolder();
  onTestFinished(() => { other.close(); remove(dataDir); });
  await expect(httpCore(dataDir, ['--port', String(port)])).rejects.toThrow(new RegExp(`Port ${port} is in use`));
  const core = await httpCore(dataDir);
  await core.close();
});

test('a lock left behind by a process that died, or by another with its number, does not stop the start', async () => {
  const dataDir = temporaryFolder();
  onTestFinished(() => remove(dataDir));
  for (const [pid, started] of [[999_999_999, null], [process.pid, 'another boot:1']] as const) {
    writeFileSync(join(dataDir, 'instance.json'), JSON.stringify({ pid, started, url: null }));
    const core = await ipcCore(dataDir);
    await core.close();
  }
});

test('a clock that jumps back and forth changes no order and loses no event', async () => {
  const core = await ipcCore();
  onTestFinished(async () => { await core.close(); remove(core.dataDir); });
  const { id, folder } = await core.call('runs.create', { config: scripted(core.dataDir, { steps: 30, ms: 1, clock: 'jumps' }), start: true });
  const run = await state(core, id, 'finished');
  const times = journalOf(folder).map((e) => e.at);
  expect(times.some((t, i) => i > 0 && t < times[i - 1]!), 'the clock did jump').toBe(true);
  expect(run.last_event).toBe(times.length);
  expect(await stepsOf(core, id)).toHaveLength(30);
});

test('a child that hangs can be killed, and the next one starts', async () => {
  const core = await ipcCore();
  onTestFinished(async () => { await core.close(); remove(core.dataDir); });
  const hung = await core.call('runs.create', { config: scripted(core.dataDir, { steps: 4, end: 'hang' }), start: true });
  const next = await core.call('runs.create', { config: scripted(core.dataDir, { steps: 2 }), start: true });
  await until(async () => (await core.call('runs.get', { id: hung.id })).step === 2, 'the step at which it hangs: a stop before it would be heard');
  await core.call('runs.stop', { id: hung.id });
  expect((await core.call('runs.get', { id: hung.id })).state).toBe('stopping');
  await core.call('runs.kill', { id: hung.id });
  expect(await state(core, hung.id, 'stopped')).toMatchObject({ exit_reason: 'killed' });
  await state(core, next.id, 'finished');
});

test('a child that is silent for longer than the setting allows is ended and said to hang', async () => {
  const core = await ipcCore();
  onTestFinished(async () => { await core.close(); remove(core.dataDir); });
  await core.call('settings.set', { changes: { hang_minutes: 0.05 } });
  const { id } = await core.call('runs.create', { config: scripted(core.dataDir, { steps: 4, end: 'hang' }), start: true });
  const run = await state(core, id, 'failed');
  expect(run.error).toMatchObject({ code: 'trainer.hung' });
});

test('a database that another program locks while a run trains: said in words, over when the lock is, and no event is lost', async () => {
  const core = await ipcCore();
  onTestFinished(async () => { await core.close(); remove(core.dataDir); });
  const { id, folder } = await core.call('runs.create', { config: scripted(core.dataDir, { steps: 1_000_000, ms: 10 }), start: true });
  await state(core, id, 'running');
  const notices: string[] = [];
  core.subscribe(['notice'], (m) => { if ('event' in m && m.event.type === 'notice') notices.push(`${m.event.data.title} ${m.event.data.text}`); });
  const other = new Database(join(core.dataDir, 'studio.sqlite'));
  onTestFinished(() => { other.close(); });
  other.exec('BEGIN EXCLUSIVE');
  const refused = await core.raw('runs.update', { id, name: 'Another name' });
  expect(refused).toMatchObject({ error: { code: 'db.locked', hint: expect.stringMatching(/Close other/) } });
  await until(async () => notices.some((n) => /Metrics cannot be saved.*in use by another program/.test(n)), 'the notice');
  expect((await core.call('runs.get', { id })).name).not.toBe('Another name');
  other.exec('COMMIT');
  await core.call('runs.stop', { id });
  const stopped = await state(core, id, 'stopped');
  expect(stopped.last_event).toBe(journalOf(folder).length);
  expect(await stepsOf(core, id)).toEqual(journalOf(folder).filter((e) => e.type === 'step').map((e) => e.step));
});
