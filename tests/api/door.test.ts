/** Who gets in, and what happens to nonsense: token, Host, Origin, paths, and a thousand made-up messages. */
import { createServer, request } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { appErrorSchema } from '../../main/contract/errors.ts';
import { coreMethods, methods } from '../../main/contract/methods.ts';
import { httpCore, ipcCore, remove, scripted, temporaryFolder, type TestCore } from './helpers.ts';

let core: TestCore, port: number, token: string;
beforeAll(async () => {
  core = await httpCore();
  const url = new URL(core.url!);
  [port, token] = [Number(url.port), url.searchParams.get('token')!];
});
afterAll(async () => { await core.close(); remove(core.dataDir); });

type Answer = { status: number; headers: Record<string, unknown>; body: string };
/** A raw request: fetch would not let Host and Origin be forged. */
const ask = (path: string, headers: Record<string, string> = {}, method = 'GET', body = ''): Promise<Answer> => new Promise((resolve, reject) => {
  const r = request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
    let text = '';
    response.on('data', (d: Buffer) => { text += String(d); }).on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body: text }));
    if (response.headers['content-type']?.startsWith('text/event-stream')) { resolve({ status: response.statusCode!, headers: response.headers, body: '' }); r.destroy(); }
  });
  r.on('error', reject);
  r.end(body);
});
const auth = (): Record<string, string> => ({ authorization: `Bearer ${token}` });
const json = { 'content-type': 'application/json' };

test.each([
  ['no token', {}],
  ['a wrong token', { authorization: 'Bearer wrong' }],
  ['a token of the right length', { authorization: `Bearer ${'x'.repeat(32)}` }],
])('with %s nothing is answered', async (_, headers) => {
  for (const [path, method] of [['/api/projects.list', 'POST'], ['/events?topics=runs', 'GET'], ['/', 'GET'], ['/media/sample/x', 'GET']] as const) {
    const answer = await ask(path, { ...json, ...headers }, method, method === 'POST' ? '{}' : '');
    expect(answer.status, path).toBe(403);
    expect(answer.body).toContain('server.refused');
    expect(answer.body).not.toContain(token);
  }
});

test('a person whose browser comes without the token is told how to get in, and nothing else', async () => {
  const page = await ask('/', { accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' });
  expect(page.status).toBe(403);
  expect(page.headers['content-type']).toMatch(/^text\/html/);
  expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'/);
  expect(page.body).toContain(`LPL Studio is ready: http://127.0.0.1:${port}/?token=`);
  expect(page.body).toContain('npm start');
  expect(page.body).not.toContain(token);
  for (const path of ['/api/projects.list', '/media/sample/x']) expect((await ask(path, { accept: '*/*' })).headers['content-type'], path).toBe('application/json');
});

test('the port stays from start to start where it is free, and an address that is taken is not waited for; the token changes', async () => {
  const at = (c: TestCore): [string, string] => { const url = new URL(c.url!); return [url.port, url.searchParams.get('token')!]; };
  const dataDir = temporaryFolder(), first = await httpCore(dataDir);
  await first.close();
  const again = await httpCore(dataDir);
  expect(at(again)[0]).toBe(at(first)[0]);
  expect(at(again)[1]).not.toBe(at(first)[1]);
  await again.close();
  const other = createServer().listen(Number(at(first)[0]), '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const elsewhere = await httpCore(dataDir);
  expect(at(elsewhere)[0]).not.toBe(at(first)[0]);
  await elsewhere.close();
  other.close();
  remove(dataDir);
});

test.each([
  ['a foreign Host (DNS rebinding)', () => ({ host: `evil.example:${port}` })],
  ['a Host with another port', () => ({ host: '127.0.0.1:1' })],
  ['a foreign Origin', () => ({ origin: 'https://evil.example' })],
  ['the Origin of a sandboxed page', () => ({ origin: 'null' })],
  ['another port of this machine as Origin', () => ({ origin: 'http://127.0.0.1:1' })],
  ['a cross-site fetch', () => ({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' })],
])('with %s even the right token gets nothing', async (_, headers) => {
  const answer = await ask('/api/projects.list', { ...json, ...auth(), ...headers() }, 'POST', '{}');
  expect(answer.status).toBe(403);
});

test('the token moves from the address into a cookie that scripts and other sites do not get', async () => {
  const first = await ask(`/?token=${token}`);
  expect(first.status).toBe(302);
  expect(first.headers['location']).toBe('/');
  const [cookie] = first.headers['set-cookie'] as string[];
  expect(cookie).toMatch(/HttpOnly/);
  expect(cookie).toMatch(/SameSite=Strict/);
  const next = await ask('/api/projects.list', { ...json, cookie: cookie!.split(';')[0]!, origin: `http://127.0.0.1:${port}` }, 'POST', '{}');
  expect(next.status).toBe(200);
});

test('a form of another site cannot call a method: only JSON is taken', async () => {
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
    const answer = await ask('/api/projects.create', { ...auth(), 'content-type': type }, 'POST', '{"name":"x"}');
    expect(answer.body).toContain('http.wrong_type');
  }
  expect((await ask('/api/projects.list', auth(), 'GET')).status).not.toBe(200);
  expect((await ask('/api/projects.create', { ...auth(), ...json }, 'POST', '{"name":')).body).toContain('http.not_json');
});

test('pages carry a policy without inline scripts, and paths stay inside the window\'s folder', async () => {
  for (const path of ['/../package.json', '/%2e%2e/package.json', '/..%2f..%2fpackage.json', '/assets/../../../package.json', '/%00.js', '/media/sample/..%2f..%2fx', '/media/__proto__/x', '/media/constructor/x']) {
    const answer = await ask(path, auth());
    expect(answer.status, path).toBeGreaterThanOrEqual(400);
    expect(answer.body, path).not.toContain('lpl-studio');
  }
  const page = await ask('/', auth());
  if (page.status === 200) expect(page.headers['content-security-policy']).toMatch(/script-src 'self';/);
  expect(page.headers['x-content-type-options']).toBe('nosniff');
});

test('a body that is too large is refused', async () => {
  const answer = await ask('/api/projects.create', { ...auth(), ...json }, 'POST', `{"name":"${'x'.repeat(17 << 20)}"}`);
  expect(answer.body).toContain('http.too_large');
});

test('every method of the contract has a handler, and every handler refuses what is not in the contract', async () => {
  for (const name of Object.keys(methods)) {
    const reply = await core.raw(name, { no_such_parameter_0: 1 });
    const error = 'error' in reply ? reply.error : undefined;
    expect(error?.code, name).toBe(name.startsWith('shell.') ? 'shell.unavailable' : 'params.invalid');
  }
});

test.each(['loopback HTTP', 'IPC'])('1,000 made-up messages over %s get clear errors and change nothing', async (transport) => {
  const target = transport === 'IPC' ? await ipcCore() : core;
  const kept = await target.call('runs.create', { name: 'Kept', config: scripted(target.dataDir) });
  const state = async (): Promise<unknown> => [await target.call('projects.list', {}), await target.call('runs.list', {}), await target.call('settings.get', {}), await target.call('presets.list', {}), await target.call('queue.list', {}), await target.call('models.list', {})];
  // the built-in model is hashed in the background after the start
  await expect.poll(async () => (await target.call('models.list', {})).every((m) => m.sha256 !== null), { timeout: 60_000 }).toBe(true);
  const before = await state();
  // ids that exist nowhere, and values of every kind, for real and made-up methods; jobs and reads are left out where nonsense is valid
  const names = Object.keys(coreMethods).filter((n) => !/^(doctor\.run|demo\.start|engine\.install|runs\.rebuild|queue\.hold|projects\.create|presets\.save|queue\.reorder|runs\.create|datasets\.import|settings\.set)$/.test(n));
  const name = fc.oneof(fc.constantFrom(...names), fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString', 'runs', 'runs.get.x'));
  const value = fc.oneof(fc.anything({ maxDepth: 2 }), fc.constantFrom(null, -1, 1e308, '', '../../etc/passwd', '\0', 'x'.repeat(5_000), [], {}));
  const params = fc.oneof(value, fc.dictionary(fc.constantFrom('id', 'run_id', 'ids', 'path', 'name', 'config', 'priority', 'state', 'limit', '__proto__', 'x'), value));
  const samples = fc.sample(fc.tuple(name, params), { numRuns: 500, seed: 42 });
  for (const [method, p] of samples) {
    const json = JSON.parse(JSON.stringify(p ?? null, (_k, v: unknown) => (typeof v === 'bigint' ? String(v) : v)) ?? 'null') as unknown;
    const reply = await target.raw(encodeURIComponent(method) === method || transport === 'IPC' ? method : 'made-up', json);
    if (!('error' in reply)) continue;
    const error = appErrorSchema.parse(reply.error);
    expect(error.code, `${method} ${JSON.stringify(json)}: ${error.message}`).not.toBe('internal');
    expect(error.hint).not.toBe('');
  }
  expect(await state()).toEqual(before);
  expect(kept.state).toBe('draft');
  if (transport === 'IPC') { await target.close(); remove(target.dataDir); }
});
