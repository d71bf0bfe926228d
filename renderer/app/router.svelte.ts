/** Where the window is: "#/runs/abc?tab=log" as a path, its parts and its query. Links are plain <a href="#/…">. */
export class Router {
  path = $state('/');
  query = $state.raw(new URLSearchParams());
  readonly parts: string[] = $derived(this.path.split('/').filter(Boolean));

  constructor() {
    this.#read();
    addEventListener('hashchange', () => this.#read());
  }

  #read(): void {
    const [path = '', query = ''] = location.hash.slice(1).split('?');
    this.path = path === '' ? '/' : path;
    this.query = new URLSearchParams(query);
  }

  go(path: string): void { location.hash = path; }

  /** Changes the query in place, without a step in the history. */
  replaceQuery(changes: Record<string, string | null>): void {
    const query = new URLSearchParams(this.query);
    for (const [key, value] of Object.entries(changes)) { if (value === null) query.delete(key); else query.set(key, value); }
    const text = query.toString();
    history.replaceState(null, '', `#${this.path}${text ? `?${text}` : ''}`);
    this.query = query;
  }
}
export const router = new Router();
