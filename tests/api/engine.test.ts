/** TensorFlow in a place of its own, as a packed app has it: installed by a job with progress, runs wait for it, and why it failed is kept. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import yazl from 'yazl';
import type { Job } from '../../main/contract/system.ts';
import { bindingFile, defaultRuntimeDir } from '../../main/runtime/paths.ts';
import { wheelFor } from '../../main/runtime/wheels.ts';
import { borrowTensorFlow } from '../fixtures/borrowTensorFlow.ts';
import { httpCore, remove, scripted, temporaryFolder, until, type TestCore } from './helpers.ts';

const wheel = wheelFor(process.platform, process.arch, false)!;
let core: TestCore | undefined;
let server: Server | undefined;
const folders: string[] = [];
afterEach(async () => {
  await core?.close();
  server?.closeAllConnections();
  server?.close();
  core = server = undefined;
  for (const f of folders.splice(0)) remove(f);
});
const folder = (): string => { const f = temporaryFolder(); folders.push(f); return f; };
async function open(env: NodeJS.ProcessEnv): Promise<{ core: TestCore; runtime: string }> {
  const runtime = join(folder(), 'runtime');
  core = await httpCore(folder(), [], { PATH: '/nowhere', LPL_CUDA: '0', LPL_RUNTIME: runtime, ...env }); // no Python, so no pip
  return { core, runtime };
}
const job = async (id: string): Promise<Job> => core!.call('jobs.get', { id });

/** A server like PyPI with a wheel that holds the right names; it sends a piece every `ms`. */
async function pypi(ms: number): Promise<string> {
  const zip = new yazl.ZipFile();
  for (const name of wheel.libraries) zip.addBuffer(Buffer.alloc(2_000_000, name), `tensorflow/${name}`, { compress: false });
  zip.end();
  const body = await buffer(zip.outputStream as unknown as NodeJS.ReadableStream);
  const filename = `${wheel.package.replaceAll('-', '_')}-${wheel.version}-cp312-cp312-${wheel.platforms[0]}.whl`;
  server = createServer((request, response) => {
    const base = `http://127.0.0.1:${(server!.address() as AddressInfo).port}`;
    if (request.url!.startsWith('/simple/')) { response.end(JSON.stringify({ files: [{ filename, url: `${base}/${filename}`, size: body.length, hashes: { sha256: createHash('sha256').update(body).digest('hex') } }] })); return; }
    let at = 0;
    const next = (): void => { response.write(body.subarray(at, at += 250_000)); if (at < body.length) setTimeout(next, ms); else response.end(); };
    next();
  });
  await new Promise<void>((done) => { server!.listen(0, '127.0.0.1', done); });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('it is installed into the place that is named, and the engine computes with it', async () => {
  const runtime = join(folder(), 'runtime');
  borrowTensorFlow(runtime);
  const before = readFileSync(join(defaultRuntimeDir, 'runtime.json'), 'utf8');
  const { core: c } = await open({ LPL_RUNTIME: runtime });
  expect(await c.call('engine.get', {})).toMatchObject({ state: 'missing', problem: null, folder: runtime, download_mb: wheel.wheelMb });
  const { job_id } = await c.call('engine.install', {});
  const done = await until(async () => { const j = await job(job_id); return j.state !== 'running' && j; }, 'the installation', 60_000);
  expect(done).toMatchObject({ state: 'done', error: null, result: { backend: 'tensorflow', version: '2.21.0', binding: bindingFile(join(runtime, 'tfjs-node')) } });
  expect(await c.call('engine.get', {})).toMatchObject({ state: 'ready', version: '2.21.0' });
  const doctor = await c.call('doctor.run', {});
  const looked = await until(async () => { const j = await job(doctor.job_id); return j.state !== 'running' && j; }, 'the doctor', 60_000);
  const { checks, tensorflow } = looked.result as { checks: { name: string; ok: boolean; message: string }[]; tensorflow: string };
  expect(tensorflow).toBe('2.21.0');
  expect(checks.find((x) => x.name === 'TensorFlow library')!.message).toContain(runtime);
  expect(readFileSync(join(defaultRuntimeDir, 'runtime.json'), 'utf8')).toBe(before);
});

test('its progress is seen, runs wait for it, and a library that does not load is reported and kept', async () => {
  const { core: c, runtime } = await open({ LPL_PYPI: await pypi(60) });
  const { job_id } = await c.call('engine.install', {});
  expect((await c.call('engine.install', {})).job_id).toBe(job_id); // one at a time
  const { id } = await c.call('runs.create', { config: scripted(c.dataDir, { steps: 3 }), start: true });
  const texts = new Set<string>();
  let waited = 0;
  const ended = await until(async () => {
    const j = await job(job_id);
    texts.add(j.text);
    if (j.state !== 'running') return j;
    const { state } = await c.call('runs.get', { id }); // asked first: by the next answer the installation may be over
    if ((await c.call('engine.get', {})).state === 'installing') { expect(state).toBe('queued'); waited++; }
    return undefined;
  }, 'its end', 60_000);
  expect(waited).toBeGreaterThan(3);
  expect([...texts]).toEqual(expect.arrayContaining([`Downloading ${wheel.package}`]));
  expect(ended).toMatchObject({ state: 'failed', error: { code: 'setup.does_not_load' } });
  expect(await c.call('engine.get', {})).toMatchObject({ state: 'missing', problem: { code: 'setup.does_not_load' }, job_id: null });
  await until(async () => (await c.call('runs.get', { id })).state === 'finished', 'the run that waited'); // the scripted trainer needs no TensorFlow
  expect(existsSync(join(runtime, 'tensorflow', wheel.libraries[0]!))).toBe(true);
});

test('it can be stopped, and is not started again by itself', async () => {
  const { core: c } = await open({ LPL_PYPI: await pypi(2_000) });
  const { job_id } = await c.call('engine.install', {});
  await until(async () => (await job(job_id)).text.startsWith('Downloading'), 'the download', 30_000);
  await c.call('jobs.cancel', { id: job_id });
  await until(async () => (await job(job_id)).state === 'cancelled', 'its end');
  expect(await c.call('engine.get', {})).toMatchObject({ state: 'missing', problem: { code: 'setup.cancelled' } });
});

test('without a network the reason says so', async () => {
  const { core: c } = await open({ LPL_PYPI: 'http://127.0.0.1:9' });
  const { job_id } = await c.call('engine.install', {});
  const ended = await until(async () => { const j = await job(job_id); return j.state !== 'running' && j; }, 'its end', 60_000);
  expect(ended.error).toMatchObject({ code: 'setup.download_failed', message: expect.stringContaining('does not answer') as unknown, hint: expect.stringContaining('network') as unknown });
});
