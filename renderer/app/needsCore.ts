/** Buttons that ask something of the core are off, and say why, while nobody answers. */
import { workspace } from './workspace.svelte.ts';

const newAddress = 'open the address that it printed in the terminal';
/** The state of the connection in short, where it is lost. `long`: that alone it may not come back. */
export function lostText(): { text: string; long: boolean } | undefined {
  switch (workspace.connection) {
    case 'lost': return { text: 'Connection lost. Trying again…', long: false };
    case 'gone': return { text: `Connection lost, still trying. If LPL Studio was started anew, ${newAddress}.`, long: true };
    case 'refused': return { text: `LPL Studio was started anew: ${newAddress}.`, long: true };
    default: return undefined;
  }
}
/** Why nothing can be asked now; undefined: it can. */
export function away(): string | undefined {
  const lost = lostText();
  return lost && (lost.long ? `${lost.text} Training goes on meanwhile.` : 'The connection to LPL Studio’s core is lost. This works again as soon as it is back; training goes on meanwhile.');
}
/** Attributes of such a button. `disabled`: for a reason of its own. */
export const needsCore = (disabled = false): { disabled: boolean; title?: string } => { const title = away(); return title === undefined ? { disabled } : { disabled: true, title }; };
