/** Builds the harness into a folder and serves it on a loopback port. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { build, type Plugin } from 'vite';
import { licencesPlugin } from '../../../scripts/licences.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

/** Into a folder of its own: a test and a screenshot run may go on at the same time. `plugins`: for a test that changes the source. */
export async function buildHarness(plugins: Plugin[] = []): Promise<string> {
  const out = mkdtempSync(join(tmpdir(), 'lpl-harness-'));
  await build({ configFile: false, root: here, base: './', logLevel: 'error', plugins: [...plugins, svelte({ configFile: false }), licencesPlugin(join(here, '../../..'))], build: { outDir: out, emptyOutDir: true, target: 'chrome114', minify: false, modulePreload: { polyfill: false } } });
  return out;
}

/** A made-up picture for an item of a made-up data set. */
function stillLife(id: number): string {
  const [w, h] = [[1200, 900], [900, 1200], [1024, 1024], [1600, 900], [640, 480]][(id - 1) % 5]!;
  const hue = (id * 47) % 360;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}"><rect width="100%" height="100%" fill="hsl(${hue} 22% 34%)"/><rect y="62%" width="100%" height="38%" fill="hsl(${hue + 30} 30% 22%)"/><ellipse cx="${30 + (id % 5) * 10}%" cy="58%" rx="18%" ry="22%" fill="hsl(${hue + 120} 45% 58%)"/><ellipse cx="68%" cy="66%" rx="9%" ry="11%" fill="hsl(${hue + 60} 60% 62%)"/></svg>`;
}

/** Serves a folder; closing removes it, unless it is to be kept. */
export async function serveFolder(folder: string, removed = true): Promise<{ url: string; close(): void }> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://x').pathname;
    const picture = /^\/media\/(?:image|cut)\/(\d+)/.exec(path)?.[1];
    if (picture) { response.writeHead(200, { 'content-type': 'image/svg+xml' }).end(stillLife(Number(picture))); return; }
    const file = join(folder, path === '/' ? 'index.html' : path);
    readFile(file).then((body) => response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' }).end(body), () => response.writeHead(404).end());
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => { server.close(); server.closeAllConnections(); if (removed) rmSync(folder, { recursive: true, force: true }); } };
}
