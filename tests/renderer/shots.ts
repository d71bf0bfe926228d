/** Every page in every state, for screenshots and for the accessibility test. */
import type { Page } from 'playwright-core';

export interface Shot { name: string; path: string; scenario: 'full' | 'empty' | 'broken' | 'slow' | 'first' | 'noEngine'; act?: (page: Page) => Promise<void> }

const pages = [
  { name: 'start', path: '/' }, { name: 'datasets', path: '/datasets' }, { name: 'curate', path: '/datasets/kitchen' }, { name: 'models', path: '/models' }, { name: 'runs', path: '/runs' }, { name: 'run-live', path: '/runs/live' },
  { name: 'compare', path: '/compare' }, { name: 'comparison', path: '/compare/cmp' },
  { name: 'settings', path: '/settings' }, { name: 'projects', path: '/settings/projects' }, { name: 'doctor', path: '/settings/doctor' },
];
const states = (['full', 'empty', 'broken', 'slow'] as const).flatMap((scenario) => pages.map((p): Shot => ({ ...p, scenario })));

export const shots: Shot[] = [
  ...states,
  { name: 'start', path: '/', scenario: 'first' }, { name: 'start', path: '/', scenario: 'noEngine' },
  { name: 'curate-one', path: '/datasets/kitchen', scenario: 'full', act: async (p) => { await p.getByRole('listbox', { name: 'Pictures' }).getByRole('option').nth(3).click(); } },
  { name: 'curate-palette', path: '/datasets/kitchen', scenario: 'full', act: async (p) => { await p.getByRole('listbox', { name: 'Pictures' }).getByRole('option').nth(3).click(); await p.keyboard.press('Control+k'); await p.getByRole('option', { name: /1:1/ }).waitFor(); } },
  { name: 'curate-many', path: '/datasets/kitchen', scenario: 'full', act: async (p) => { await p.getByRole('listbox', { name: 'Pictures' }).getByRole('option').nth(2).click(); await p.getByRole('listbox', { name: 'Pictures' }).getByRole('option').nth(9).click({ modifiers: ['Shift'] }); } },
  { name: 'curate-replace', path: '/datasets/kitchen', scenario: 'full', act: async (p) => { await p.keyboard.press('Control+h'); await p.getByLabel('Find', { exact: true }).fill('kitchen'); await p.getByLabel('Replace with').fill('room'); } },
  { name: 'curate-duplicates', path: '/datasets/kitchen', scenario: 'full', act: async (p) => { await p.getByRole('button', { name: /Near-duplicates/ }).click(); await p.getByRole('button', { name: 'Show groups…' }).click(); } },
  { name: 'curate-settings', path: '/datasets/kitchen', scenario: 'full', act: async (p) => { await p.getByRole('button', { name: 'More' }).click(); await p.getByRole('menuitem', { name: /Settings of/ }).click(); } },
  { name: 'curate-filter', path: '/datasets/kitchen', scenario: 'full', act: async (p) => { await p.getByRole('button', { name: 'How to filter' }).click(); await p.getByLabel('Filter', { exact: true }).fill('tag:('); } },
  { name: 'curate-blurred', path: '/datasets/kitchen', scenario: 'full', act: async (p) => { await p.getByRole('button', { name: /^Blurred/ }).click(); await p.getByRole('list', { name: /by sharpness/ }).waitFor(); } },
  { name: 'curate-folders', path: '/datasets/kitchen', scenario: 'full', act: async (p) => { await p.getByRole('button', { name: 'More' }).click(); await p.getByRole('menuitem', { name: /by folder/ }).click(); } },
  { name: 'curate-preview', path: '/datasets/kitchen', scenario: 'full', act: async (p) => { await p.getByRole('listbox', { name: 'Pictures' }).getByRole('option').nth(3).click(); await p.keyboard.press('Space'); await p.getByText('As trained', { exact: true }).click(); } },
  { name: 'curate-vae', path: '/datasets/kitchen', scenario: 'full', act: async (p) => { await p.getByRole('listbox', { name: 'Pictures' }).getByRole('option').nth(3).click(); await p.keyboard.press('Space'); await p.getByText('Through the VAE', { exact: true }).click(); } },
  { name: 'curate-versions', path: '/datasets/kitchen', scenario: 'full', act: async (p) => { await p.getByRole('button', { name: 'More' }).click(); await p.getByRole('menuitem', { name: /Versions/ }).click(); } },
  { name: 'curate-version', path: '/datasets/kitchen?version=dsv_1', scenario: 'full' },
  { name: 'comparison-side', path: '/compare/cmp', scenario: 'full', act: async (p) => { await p.getByText('Side by side', { exact: true }).click(); } },
  { name: 'comparison-difference', path: '/compare/cmp', scenario: 'full', act: async (p) => { await p.getByText('Difference', { exact: true }).click(); } },
  { name: 'comparison-all', path: '/compare/cmp', scenario: 'full', act: async (p) => { await p.getByText('All', { exact: true }).click(); } },
  { name: 'comparison-curves', path: '/compare/cmp?tab=curves', scenario: 'full' },
  { name: 'comparison-numbers', path: '/compare/cmp?tab=numbers', scenario: 'full' },
  { name: 'comparison-vote', path: '/compare/cmp?tab=vote', scenario: 'full' },
  { name: 'comparison-settings', path: '/compare/cmp?tab=settings', scenario: 'full' },
  { name: 'comparison-report', path: '/compare/cmp?tab=report', scenario: 'full' },
  { name: 'new-comparison', path: '/runs/new?compare=1&dataset=kitchen&model=sdxl', scenario: 'full', act: async (p) => { await p.getByRole('button', { name: 'Compare…' }).click(); await p.getByText('runs,').waitFor(); } },
  { name: 'about', path: '/settings/about', scenario: 'full' },
  { name: 'model-incomplete', path: '/models/half', scenario: 'full' },
  { name: 'file-picker', path: '/models', scenario: 'full', act: async (p) => { await p.getByRole('button', { name: 'Add model' }).click(); await p.getByRole('menuitem', { name: 'Model file…' }).click(); } },
  { name: 'run-all', path: '/runs/done', scenario: 'full', act: async (p) => { await p.getByRole('tab', { name: 'All' }).click(); } },
  { name: 'run-failed', path: '/runs/oom', scenario: 'full' },
  { name: 'run-draft', path: '/runs/draft', scenario: 'full' },
  { name: 'run-viewer', path: '/runs/live', scenario: 'full', act: async (p) => { await p.getByRole('button', { name: /green frog, seed 1, step 400/ }).click(); } },
  { name: 'run-stop', path: '/runs/live', scenario: 'full', act: async (p) => { await p.getByRole('button', { name: 'Stop…' }).click(); } },
  { name: 'run-export', path: '/runs/done', scenario: 'full', act: async (p) => { await p.getByRole('button', { name: 'Export…' }).click(); } },
  { name: 'run-config', path: '/runs/done', scenario: 'full', act: async (p) => { await p.getByRole('button', { name: 'all settings' }).click(); } },
  { name: 'new-run', path: '/runs/new', scenario: 'full', act: async (p) => { await p.getByRole('switch', { name: 'Latent Perceptual Loss' }).click(); } },
  { name: 'new-run-wrong', path: '/runs/new', scenario: 'full', act: async (p) => { await p.getByLabel('Learning rate', { exact: true }).fill('fast'); await p.getByLabel('Steps', { exact: true }).fill('0'); } },
  { name: 'new-run-advanced', path: '/runs/new', scenario: 'empty', act: async (p) => { await p.getByLabel('Find a setting').fill('snr'); await p.getByLabel('Find a setting').scrollIntoViewIfNeeded(); } },
  { name: 'new-run-raw', path: '/runs/new', scenario: 'full', act: async (p) => { await p.getByRole('button', { name: 'JSON: settings as a file' }).click(); await p.getByRole('menuitem', { name: 'Edit as text…' }).click(); } },
  { name: 'palette', path: '/runs', scenario: 'full', act: async (p) => { await p.keyboard.press('Control+k'); await p.keyboard.type('blob'); } },
  { name: 'shortcuts', path: '/runs/live', scenario: 'full', act: async (p) => { await p.keyboard.press('?'); } },
];
