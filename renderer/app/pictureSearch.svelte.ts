/** Pictures of all data sets by file name or caption, for the palette. */
import { attempt } from '../api/api.ts';
import type { Command } from './commands.svelte.ts';
import { router } from './router.svelte.ts';
import { workspace } from './workspace.svelte.ts';

const EACH = 8;
const SHORTEST = 2;

export class PictureSearch {
  found: Command[] = $state.raw([]);
  #asked = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Asks shortly after the last letter; the answer to an older text never overwrites a newer one. */
  ask(text: string): void {
    clearTimeout(this.#timer);
    const asked = ++this.#asked;
    const words = text.replaceAll('"', '').trim();
    if (words.length < SHORTEST) { this.found = []; return; }
    this.#timer = setTimeout(() => void this.#search(words, asked), 150);
  }

  async #search(words: string, asked: number): Promise<void> {
    const sets = workspace.datasets.value ?? [];
    const answers = await Promise.all(sets.map((d) => attempt('datasets.items', { id: d.id, query: `"${words}"`, limit: EACH })));
    if (asked !== this.#asked) return;
    this.found = answers.flatMap(({ result }, i) => (result?.items ?? []).map((item): Command => ({
      id: `picture-${sets[i]!.id}-${item.id}`, title: item.file.split(/[\\/]/).at(-1)!, group: 'Pictures', icon: 'picture', words: `${words} ${item.captions.join(' ')} ${sets[i]!.name}`,
      run: () => router.go(`/datasets/${sets[i]!.id}?picture=${item.id}`),
    })));
  }
}
