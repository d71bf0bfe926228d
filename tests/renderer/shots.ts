/** Every page in every state, for screenshots and for the accessibility test. */
import type { Page } from 'playwright-core';

export interface Shot { name: string; path: string; scenario: 'full' | 'empty' | 'broken' | 'slow'; act?: (page: Page) => Promise<void> }

const pages = [
  { name: 'runs', path: '/runs' }, { name: 'run-live', path: '/runs/live' },
];
const states = (['full', 'empty', 'broken', 'slow'] as const).flatMap((scenario) => pages.map((p): Shot => ({ ...p, scenario })));

export const shots: Shot[] = [
  ...states,
  { name: 'run-all', path: '/runs/done', scenario: 'full', act: async (p) => { await p.getByRole('tab', { name: 'All' }).click(); } },
  { name: 'run-failed', path: '/runs/oom', scenario: 'full' },
  { name: 'run-draft', path: '/runs/draft', scenario: 'full' },
  { name: 'run-viewer', path: '/runs/live', scenario: 'full', act: async (p) => { await p.getByRole('button', { name: /green frog, seed 1, step 400/ }).click(); } },
  { name: 'run-stop', path: '/runs/live', scenario: 'full', act: async (p) => { await p.getByRole('button', { name: 'Stop…' }).click(); } },
  { name: 'run-export', path: '/runs/done', scenario: 'full', act: async (p) => { await p.getByRole('button', { name: 'Export…' }).click(); } },
  { name: 'run-config', path: '/runs/done', scenario: 'full', act: async (p) => { await p.getByRole('button', { name: 'all settings' }).click(); } },
  { name: 'palette', path: '/runs', scenario: 'full', act: async (p) => { await p.keyboard.press('Control+k'); await p.keyboard.type('blob'); } },
  { name: 'shortcuts', path: '/runs/live', scenario: 'full', act: async (p) => { await p.keyboard.press('?'); } },
];
