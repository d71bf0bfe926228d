/** lpl://app/: the window's files and media, with a content security policy. Nothing is loaded from the disk by path. */
import { net, protocol } from 'electron';
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Core } from './core.ts';

export const appOrigin = 'lpl://app';
export const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const types: Record<string, string> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.png': 'image/png', '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg', '.webp': 'image/webp', '.avif': 'image/avif', '.gif': 'image/gif', '.woff2': 'font/woff2', '.json': 'application/json' };

/** Before the app is ready. */
export const registerScheme = (): void => protocol.registerSchemesAsPrivileged([{ scheme: 'lpl', privileges: { standard: true, secure: true, supportFetchAPI: true, stream: true } }]);

const inert = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
const refuse = (status: number, text: string): Response => new Response(text, { status, headers: { 'content-type': 'text/plain; charset=utf-8', 'content-security-policy': inert, 'x-content-type-options': 'nosniff' } });

const answer = (file: string, body: BodyInit | null, headers: Record<string, string>): Response =>
  new Response(body, { headers: { 'content-type': types[path.extname(file).toLowerCase()] ?? 'application/octet-stream', 'x-content-type-options': 'nosniff', 'cross-origin-resource-policy': 'same-origin', ...headers } });

/** After the app is ready. `windowDir`: the built window. */
export function serveApp(windowDir: string, core: Core): void {
  protocol.handle('lpl', async (request) => {
    const url = new URL(request.url);
    if (url.host !== 'app' || request.method !== 'GET') return refuse(404, 'There is nothing here.');
    if (url.pathname.startsWith('/media/')) return media(core, url);
    const name = path.normalize(decodeURIComponent(url.pathname));
    const file = path.join(windowDir, path.extname(name) === '' ? 'index.html' : name);
    if (!file.startsWith(windowDir + path.sep) || !existsSync(file) || !statSync(file).isFile()) return refuse(404, 'There is nothing here.');
    // read with fs, which knows the archive of a package; the network service may not look into it
    return answer(file, await readFile(file), { 'content-security-policy': contentSecurityPolicy, 'cache-control': 'no-cache' });
  });
}

async function media(core: Core, url: URL): Promise<Response> {
  const [, , kind = '', id = ''] = url.pathname.split('/');
  try {
    const found = await core.media(kind, decodeURIComponent(id), Number(url.searchParams.get('w')) || undefined);
    const headers: Record<string, string> = { 'content-security-policy': inert, 'cache-control': found.sha256 ? 'max-age=31536000, immutable' : 'no-cache' };
    if (found.download) headers['content-disposition'] = `attachment; filename*=UTF-8''${encodeURIComponent(found.name)}`;
    if (found.type) headers['content-type'] = found.type;
    return answer(found.file, (await net.fetch(pathToFileURL(found.file).href)).body, headers);
  } catch (error) { return refuse(404, (error as Error).message); }
}
