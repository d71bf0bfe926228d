/**
 * Every action of the window: pages register theirs while they are open. The palette lists them, keys trigger them, and
 * the list of shortcuts is made from them, so that none of the three can disagree.
 */
import { untrack } from 'svelte';
import type { IconName } from '../ui/icons.ts';

export interface Command {
  id: string;
  title: string;
  group: string;
  /** "Mod+K", "?", "g r" (one after the other), "Shift+ArrowUp" */
  keys?: string;
  icon?: IconName;
  /** other words by which the palette finds it */
  words?: string;
  enabled?: () => boolean;
  run: () => void;
}

/** The strokes of a command's keys: "g r" is two, the space bar is one. */
export const strokes = (keys: string): string[] => (keys === ' ' ? [' '] : keys.split(' '));

class Commands {
  #sources: Set<() => Command[]> = $state.raw(new Set());
  paletteOpen = $state(false);
  shortcutsOpen = $state(false);
  wordsOpen = $state(false);
  /** A page's own command takes the place of the window's with the same id. */
  readonly all: Command[] = $derived([...new Map([...this.#sources].flatMap((source) => source()).map((c) => [c.id, c])).values()].filter((c) => c.enabled?.() ?? true));

  add(source: () => Command[]): () => void {
    this.#sources = new Set([...this.#sources, source]);
    return () => { this.#sources = new Set([...this.#sources].filter((s) => s !== source)); };
  }
}
export const commands = new Commands();

/** Registers commands for as long as the calling component lives. */
export function useCommands(source: () => Command[]): void {
  $effect(() => untrack(() => commands.add(source)));
}
