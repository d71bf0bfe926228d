/** Builds the harness into a folder and serves it on a loopback port. */
import { createServer, type Server } from 'node:http';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { build } from 'vite';
import { licencesPlugin } from '../../../scripts/licences.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const out = join(here, '../../../dist/test-harness');
const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

export async function buildHarness(): Promise<string> {
  await build({ configFile: false, root: here, base: './', logLevel: 'error', plugins: [svelte({ configFile: false }), licencesPlugin(join(here, '../../..'))], build: { outDir: out, emptyOutDir: true, target: 'chrome114', minify: false, modulePreload: { polyfill: false } } });
  return out;
}

export async function serveFolder(folder: string): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://x').pathname;
    const file = join(folder, path === '/' ? 'index.html' : path);
    readFile(file).then((body) => response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' }).end(body), () => response.writeHead(404).end());
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}
