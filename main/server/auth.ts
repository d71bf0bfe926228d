/**
 * Who may talk to the loopback server: only pages that it served itself, to whoever has its token.
 *
 * Host is checked against DNS rebinding (a foreign name that resolves to 127.0.0.1), Origin and Sec-Fetch-Site against
 * requests from other sites' pages, the token against other users and programs of this machine.
 */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { AppError } from '../contract/errors.ts';

export interface Door { token: string; port: number }
export const cookieName = (port: number): string => `lpl_${port}`;

const refused = (what: string): AppError => new AppError('server.refused', `The request was refused: ${what}.`, 'Open the address that LPL Studio printed when it started.', {});

function same(a: string, b: string): boolean {
  const x = Buffer.from(a), y = Buffer.from(b);
  return x.length === y.length && timingSafeEqual(x, y);
}

/** Throws server.refused for a foreign Host or Origin. */
export function checkOrigin(request: IncomingMessage, { port }: Door): void {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  const { host, origin } = request.headers;
  if (!host || !hosts.includes(host)) throw refused('its Host is not this server');
  if (origin !== undefined && !hosts.some((h) => origin === `http://${h}`)) throw refused('it comes from another site');
  const site = request.headers['sec-fetch-site'];
  // a link or the address bar may lead to the page itself, nothing else may come from elsewhere
  const navigation = request.method === 'GET' && request.headers['sec-fetch-mode'] === 'navigate';
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !navigation) throw refused('it comes from another site');
}

/** The token from the page's address (first visit), the cookie, or an Authorization header. */
export function hasToken(request: IncomingMessage, url: URL, { token, port }: Door): boolean {
  const cookies = (request.headers.cookie ?? '').split(';').map((c) => c.trim());
  const cookie = cookies.find((c) => c.startsWith(`${cookieName(port)}=`))?.slice(cookieName(port).length + 1);
  const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  return [cookie, bearer, url.searchParams.get('token')].some((t) => typeof t === 'string' && same(t, token));
}

export function checkToken(request: IncomingMessage, url: URL, door: Door): void {
  if (!hasToken(request, url, door)) throw refused('its token is missing or wrong');
}
