/** Two ways to work the window: with the mouse, and with nothing but the keyboard (Tab, arrows, Enter, Space and typing). */
import type { Locator, Page } from 'playwright-core';

export interface Hands { press(target: Locator): Promise<void>; type(target: Locator, text: string): Promise<void> }

export const mouse = (): Hands => ({ press: (target) => target.click(), type: (target, text) => target.fill(text) });

/** Where the focus has to go: -1 back, 1 on, 0 it is there. An element in a dialog is reached by going round. */
const direction = (target: Locator): Promise<number> => target.evaluate((el) => {
  const at = document.activeElement;
  if (at === el || (el.contains(at) && at !== document.body)) return 0;
  return at && el.compareDocumentPosition(at) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1;
});

async function reach(page: Page, target: Locator): Promise<void> {
  await target.waitFor();
  const role = await target.evaluate((el) => el.getAttribute('role') ?? '');
  const rove = role === 'menuitem' || role === 'tab' || (await target.getAttribute('type')) === 'radio';
  for (let i = 0; i < 200; i += 1) {
    const way = await direction(target);
    if (way === 0) return;
    await page.keyboard.press(rove ? (role === 'tab' ? 'ArrowRight' : 'ArrowDown') : way < 0 ? 'Shift+Tab' : 'Tab');
  }
  throw new Error(`The keyboard does not reach ${String(target)}`);
}

/** Never clicks and never moves the focus by script: what it cannot reach, a person without a mouse cannot. */
export const keyboard = (page: Page): Hands => ({
  async press(target) {
    await reach(page, target);
    await page.keyboard.press((await target.getAttribute('role')) === 'switch' ? 'Space' : 'Enter');
  },
  async type(target, text) {
    await reach(page, target);
    await page.keyboard.press('Control+a');
    await page.keyboard.type(text);
  },
});
