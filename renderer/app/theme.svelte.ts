/** Light, dark, or as the system: sets data-theme on the page, and a number that charts follow to redraw in new colours. */
import type { Settings } from '../../main/contract/system.ts';

const system = matchMedia('(prefers-color-scheme: light)');

class Theme {
  choice: Settings['theme'] = $state('system');
  /** grows whenever colours changed */
  version = $state(0);

  constructor() { system.addEventListener('change', () => this.#apply()); }

  set(choice: Settings['theme']): void {
    this.choice = choice;
    this.#apply();
  }

  #apply(): void {
    const light = this.choice === 'light' || (this.choice === 'system' && system.matches);
    const name = light ? 'light' : 'dark';
    if (document.documentElement.dataset.theme === name && this.version > 0) return;
    document.documentElement.dataset.theme = name;
    this.version += 1;
  }
}
export const theme = new Theme();
