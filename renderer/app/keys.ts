/** Key presses to the commands that carry these keys. */
import type { Command } from './commands.svelte.ts';

const mac = navigator.platform.startsWith('Mac');

/** "Mod+Shift+K" of a key press; letters in upper case, Mod for Ctrl or Cmd. */
export function keysOf(event: KeyboardEvent): string {
  const mod = mac ? event.metaKey : event.ctrlKey;
  const letter = /^[a-z]$/i.test(event.key);
  const parts = [mod ? 'Mod' : '', event.altKey ? 'Alt' : '', event.shiftKey && (letter || event.key.length > 1) ? 'Shift' : '', letter ? event.key.toUpperCase() : event.key];
  return parts.filter(Boolean).join('+');
}

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) && !(target instanceof HTMLInputElement && /^(checkbox|radio|range|button)$/.test(target.type));

/**
 * Runs the command of a key press. Plain keys are left alone while something is typed, and where the focused part
 * uses them itself (it then calls preventDefault or stops the event). Two-key commands ("g r") must follow within a second.
 */
export function listenToKeys(list: () => Command[], blocked: () => boolean): () => void {
  let first = '';
  let at = 0;
  const onkey = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.isComposing) return;
    const keys = keysOf(event);
    const plain = !keys.startsWith('Mod+');
    if ((plain && typing(event.target)) || (blocked() && keys !== 'Mod+K')) return;
    const sequence = first && event.timeStamp - at < 1_000 ? `${first} ${keys}` : '';
    const hit = list().find((c) => c.keys === sequence) ?? list().find((c) => c.keys === keys);
    first = keys;
    at = event.timeStamp;
    if (!hit) return;
    event.preventDefault();
    first = '';
    hit.run();
  };
  addEventListener('keydown', onkey);
  return () => removeEventListener('keydown', onkey);
}
