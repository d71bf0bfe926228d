/** The loopback server: the window's files, methods and dropped files by POST, events by server-sent events, media by id. Bound to 127.0.0.1. */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { AppError, toAppError } from '../contract/errors.ts';
import type { Push } from '../contract/wire.ts';
import { checkOrigin, checkToken, cookieName, type Door } from './auth.ts';
import { contentSecurityPolicy, sendFile, windowFile } from './files.ts';
import type { Hub } from '../services/hub.ts';
import type { Media } from '../services/media.ts';
import { readJson } from './readJson.ts';
import type { Call } from './router.ts';
import { wantsPage, wayIn, wayInPolicy } from './wayIn.ts';

export interface ServerOptions { call: Call; hub: Hub; media: Media; receive: (drop: string, path: string, body: Readable) => Promise<void>; windowDir: string; port?: number; token?: string }
export interface LoopbackServer { port: number; token: string; /** with the token, to be opened once */ url: string; close(): Promise<void> }

/** Bytes that may wait for a page that listens to events. */
const MAX_UNREAD = 8 << 20;
const statusOf = (code: string): number => (code === 'server.refused' ? 403 : code.endsWith('not_found') || code === 'method.unknown' ? 404 : code === 'internal' ? 500 : code === 'http.too_large' ? 413 : 400);

/** Listens on `port` (0: any free one). Throws server.port_taken. */
export async function startServer(options: ServerOptions): Promise<LoopbackServer> {
  const door: Door = { token: options.token ?? randomBytes(24).toString('base64url'), port: 0 };
  const streams = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    handle(request, response, options, door, streams).catch((error: unknown) => fail(request, response, error, options.hub, door));
  });
  server.keepAliveTimeout = 30_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(error.code === 'EADDRINUSE'
      ? new AppError('server.port_taken', `Port ${options.port} is in use by another program.`, 'Leave the port out to take any free one, or close the other program.', { port: options.port }) : error));
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  door.port = (server.address() as AddressInfo).port;
  return {
    port: door.port, token: door.token, url: `http://127.0.0.1:${door.port}/?token=${door.token}`,
    close: () => new Promise((resolve) => {
      for (const s of streams) s.end();
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

async function handle(request: IncomingMessage, response: ServerResponse, options: ServerOptions, door: Door, streams: Set<ServerResponse>): Promise<void> {
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('referrer-policy', 'no-referrer');
  response.setHeader('cross-origin-resource-policy', 'same-origin');
  response.setHeader('cross-origin-opener-policy', 'same-origin');
  checkOrigin(request, door);
  const url = new URL(request.url ?? '/', `http://127.0.0.1:${door.port}`);
  checkToken(request, url, door);
  if (url.searchParams.has('token')) return welcome(response, url, door);
  if (request.method === 'POST' && url.pathname.startsWith('/api/')) return api(request, response, url.pathname.slice(5), options);
  if (request.method === 'POST' && url.pathname.startsWith('/drop/')) return drop(request, response, url, options);
  if (request.method !== 'GET' && request.method !== 'HEAD') throw new AppError('http.not_found', `${request.method} is not understood here.`, 'Reload the page.', {});
  if (url.pathname === '/events') return events(request, response, url, options.hub, streams);
  if (url.pathname.startsWith('/media/')) return media(request, response, url, options.media);
  response.setHeader('content-security-policy', contentSecurityPolicy);
  await sendFile(request, response, windowFile(options.windowDir, url.pathname));
}

/** The token moves from the address into a cookie that scripts cannot read and other sites' requests do not carry. */
function welcome(response: ServerResponse, url: URL, door: Door): void {
  url.searchParams.delete('token');
  response.writeHead(302, { location: `${url.pathname}${url.search}`, 'set-cookie': `${cookieName(door.port)}=${door.token}; HttpOnly; SameSite=Strict; Path=/`, 'cache-control': 'no-store' }).end();
}

async function api(request: IncomingMessage, response: ServerResponse, name: string, { call }: ServerOptions): Promise<void> {
  const reply = await call(decodeURIComponent(name), await readJson(request));
  const status = 'error' in reply ? statusOf(reply.error.code) : 200;
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(reply));
}

/** A file dropped on the page: its bytes are the body. */
async function drop(request: IncomingMessage, response: ServerResponse, url: URL, { receive }: ServerOptions): Promise<void> {
  const [, , id = '', ...path] = url.pathname.split('/').map(decodeURIComponent);
  await receive(id, path.join('/'), request);
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end('{}');
}

function events(request: IncomingMessage, response: ServerResponse, url: URL, hub: Hub, streams: Set<ServerResponse>): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
  // a page that does not read (a suspended tab) is let go of: when it comes back it asks for what it missed, or for everything
  const push = (message: Push): void => { if (response.writableLength > MAX_UNREAD) response.destroy(); else response.write(`data: ${JSON.stringify(message)}\n\n`); };
  const after = url.searchParams.get('after');
  const topics = (url.searchParams.get('topics') ?? '').split(',').filter((t) => t !== '');
  const end = hub.subscribe({ topics, epoch: url.searchParams.get('epoch') ?? undefined, after: after === null ? undefined : Number(after) }, push);
  const alive = setInterval(() => { response.write(': alive\n\n'); }, 15_000);
  streams.add(response);
  request.on('close', () => { clearInterval(alive); end(); streams.delete(response); });
}

async function media(request: IncomingMessage, response: ServerResponse, url: URL, resolve: Media): Promise<void> {
  const [, , kind = '', id = ''] = url.pathname.split('/');
  const width = Number(url.searchParams.get('w')) || undefined;
  const found = await resolve(kind, decodeURIComponent(id), width);
  response.setHeader('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; sandbox");
  await sendFile(request, response, found.file, { ...(found.sha256 ? { etag: `${found.sha256}${width ?? ''}` } : {}), ...(found.download ? { download: found.name } : {}), ...(found.type ? { type: found.type } : {}) });
}

function fail(request: IncomingMessage, response: ServerResponse, error: unknown, hub: Hub, { port }: Door): void {
  if (response.headersSent) { response.destroy(); return; }
  const data = toAppError(error);
  if (data.code === 'server.refused' && wantsPage(request)) {
    response.writeHead(403, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': wayInPolicy, 'cache-control': 'no-store' }).end(wayIn(port));
    return;
  }
  response.writeHead(statusOf(data.code), { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify({ epoch: hub.epoch, n: hub.last, error: data }));
}
