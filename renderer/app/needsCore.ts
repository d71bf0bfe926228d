/** Buttons that ask something of the core are off, and say why, while nobody answers. */
import { workspace } from './workspace.svelte.ts';

/** Why nothing can be asked now; undefined: it can. */
export const away = (): string | undefined => (workspace.connection === 'lost' ? 'The connection to LPL Studio’s core is lost. This works again as soon as it is back; training goes on meanwhile.' : undefined);
/** Attributes of such a button. `disabled`: for a reason of its own. */
export const needsCore = (disabled = false): { disabled: boolean; title?: string } => { const title = away(); return title === undefined ? { disabled } : { disabled: true, title }; };
