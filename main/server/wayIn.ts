/** The page for a person whose browser came without the token: how to get in. Nothing in it but text. */
import type { IncomingMessage } from 'node:http';

/** The address bar or a link asks for it, not a script: it reads pages, not JSON. */
export const wantsPage = ({ method, headers }: IncomingMessage): boolean => method === 'GET' && /\btext\/html\b/.test(headers.accept ?? '');

export const wayInPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export const wayIn = (port: number): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="dark light"><title>LPL Studio: open its whole address</title>
<style>
  :root { color-scheme: dark light; font: 14px/22px system-ui, sans-serif; }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: light-dark(#f4f4f4, #161616); color: light-dark(#1c1c1c, #e6e6e6); }
  main { max-width: 560px; padding: 32px; }
  h1 { font-size: 20px; line-height: 28px; font-weight: 600; margin: 0 0 12px; }
  li { margin: 8px 0; }
  code { display: inline-block; font: 13px/20px ui-monospace, monospace; padding: 2px 5px; border-radius: 4px; background: light-dark(#e4e4e4, #262626); overflow-wrap: anywhere; }
</style></head><body><main>
<h1>LPL Studio is running. Its address is longer than this one.</h1>
<p>The whole address ends with a token, so that only you can open the app. It is new at each start.</p>
<ol>
<li>Look into the terminal where LPL Studio was started, for the line <code>LPL Studio is ready: http://127.0.0.1:${port}/?token=…</code></li>
<li>Open that address, with all that follows <code>?token=</code>: Ctrl+click on it (Cmd+click on a Mac), or copy it into this browser.</li>
</ol>
<p>Is the terminal gone? Run <code>npm start -- --browser</code> (or <code>lpl serve --open</code>) once more: with the same data folder it opens this one, and prints its address.</p>
</main></body></html>
`;
