/** Sends files: the window's own, and media with ranges and caching. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';
import { AppError } from '../contract/errors.ts';

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.json': 'application/json', '.svg': 'image/svg+xml',
  '.png': 'image/png', '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg', '.webp': 'image/webp', '.avif': 'image/avif', '.gif': 'image/gif', '.woff2': 'font/woff2', '.ico': 'image/x-icon', '.wasm': 'application/wasm',
};
export const contentType = (file: string): string => types[extname(file).toLowerCase()] ?? 'application/octet-stream';

/** Scripts, styles and pictures from here only; nothing inline but style attributes, nothing from elsewhere, no frames. */
export const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const notFound = (what: string): AppError => new AppError('http.not_found', `There is nothing at ${what}.`, 'Reload the page.', {});

/** The file of the built window that a path asks for; index.html for paths without an extension. Throws http.not_found for anything outside. */
export function windowFile(root: string, pathname: string): string {
  const path = normalize(decodeURIComponent(pathname));
  if (path.includes('\0') || path.split(/[\\/]/).includes('..')) throw notFound(pathname);
  return join(root, extname(path) === '' ? 'index.html' : path.replaceAll('/', sep));
}

/** `etag`: a content hash; such files never change and are kept by the browser. */
export async function sendFile(request: IncomingMessage, response: ServerResponse, file: string, options: { etag?: string; download?: string; type?: string } = {}): Promise<void> {
  const info = await stat(file).catch(() => undefined);
  if (!info?.isFile()) throw notFound(file.split(sep).at(-1)!);
  const headers: Record<string, string | number> = { 'content-type': options.type ?? contentType(file), 'accept-ranges': 'bytes', 'cache-control': options.etag ? 'private, max-age=31536000, immutable' : 'no-cache' };
  if (options.etag) headers['etag'] = `"${options.etag}"`;
  if (options.download) headers['content-disposition'] = `attachment; filename*=UTF-8''${encodeURIComponent(options.download)}`;
  if (options.etag && request.headers['if-none-match'] === headers['etag']) { response.writeHead(304, headers).end(); return; }
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const from = range ? Number(range[1]) : 0;
  const to = range?.[2] ? Math.min(Number(range[2]), info.size - 1) : info.size - 1;
  if (range && (from > to)) { response.writeHead(416, { 'content-range': `bytes */${info.size}` }).end(); return; }
  response.writeHead(range ? 206 : 200, { ...headers, 'content-length': info.size === 0 ? 0 : to - from + 1, ...(range ? { 'content-range': `bytes ${from}-${to}/${info.size}` } : {}) });
  if (request.method === 'HEAD' || info.size === 0) { response.end(); return; }
  const stream = createReadStream(file, { start: from, end: to });
  stream.on('error', () => response.destroy());
  response.on('close', () => stream.destroy());
  stream.pipe(response);
}
