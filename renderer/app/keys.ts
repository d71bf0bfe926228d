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

/** Undo, redo, select all, cut, copy and paste belong to the box that is typed into. */
const editing = /^Mod\+(Shift\+)?[ACVXYZ]$/;

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) && !(target instanceof HTMLInputElement && /^(checkbox|radio|range|button)$/.test(target.type));

/**
 * Runs the command of a key press. Plain keys are left alone while something is typed, and where the focused part
 * uses them itself (it then calls preventDefault or stops the event). Keys with Ctrl or Cmd come before the focused part,
 * except those that edit text. Two-key commands ("g r") must follow within a second.
 */
export function listenToKeys(list: () => Command[], blocked: () => boolean): () => void {
  let first = '';
  let at = 0;
  const onkey = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.isComposing) return;
    const keys = keysOf(event);
    const early = event.eventPhase === Event.CAPTURING_PHASE || event.target === window;
    if (keys.startsWith('Mod+') !== early) return;
    if ((typing(event.target) && (!early || editing.test(keys))) || (blocked() && keys !== 'Mod+K')) return;
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
  addEventListener('keydown', onkey, { capture: true });
  return () => { removeEventListener('keydown', onkey); removeEventListener('keydown', onkey, { capture: true }); };
}
