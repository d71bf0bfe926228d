/** The window's bridge from a test: what the page itself may ask. */
import type { OpenApp } from './apps.ts';

export type Bridge = { lpl: { invoke(m: string, p: unknown): Promise<{ result?: unknown; error?: { code: string; message: string; hint: string } }>; subscribe(s: unknown, f: (m: unknown) => void): () => void; pathOf(f: File): string } };

export const invoke = (app: OpenApp, method: string, params: unknown = {}) => app.page.evaluate(([m, p]) => (window as never as Bridge).lpl.invoke(m as string, p), [method, params] as const);
export async function result<T>(app: OpenApp, method: string, params: unknown = {}): Promise<T> {
  const reply = await invoke(app, method, params);
  if (reply.error) throw new Error(`${method}: ${JSON.stringify(reply.error)}`);
  return reply.result as T;
}
