/** The contract's schema is the only place of a default and a help text: changed there, the form, the command line's help and the docs change. */
import type { Browser } from 'playwright-core';
import { afterAll, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { launchBrowser } from './harness/browser.ts';
import { buildHarness, serveFolder } from './harness/build.ts';

const HELP = 'A help text that only this test knows.';
const DEFAULT = 0.0042;
let browser: Browser | undefined;
let close: (() => void) | undefined;
afterAll(async () => { await browser?.close(); close?.(); });

/** The source of the schema with another default and help for the learning rate. */
function changed(code: string): string {
  const found = /learning_rate: field\(z\.number\(\)([^,]*?)\.default\([^)]*\), \{([^}]*)description: '(?:[^'\\]|\\.)*'/.exec(code);
  if (!found) throw new Error('The learning rate is not where this test looks for it.');
  return code.replace(found[0], `learning_rate: field(z.number()${found[1]}.default(${DEFAULT}), {${found[2]}description: '${HELP}'`);
}

it('the command line\'s help and the docs follow a change', async () => {
  vi.resetModules();
  vi.doMock('../../main/contract/runConfigTraining.ts', async (original) => {
    const { field } = await import('../../main/contract/field.ts');
    const real = await original<typeof import('../../main/contract/runConfigTraining.ts')>();
    return { ...real, optimizerFields: { ...real.optimizerFields, learning_rate: field(z.number().default(DEFAULT), { title: 'Learning rate', simple: true, description: HELP }) } };
  });
  const { Command } = await import('commander');
  const { addConfigFlags } = await import('../../main/cli/configFlags.ts');
  const { settingsDocs } = await import('../../scripts/write-docs.ts');
  const help = addConfigFlags(new Command()).configureHelp({ helpWidth: 1_000 }).helpInformation();
  expect(help).toMatch(new RegExp(`--learning_rate <number> +${HELP} \\[default: ${DEFAULT}\\]`));
  expect(settingsDocs()).toMatch(new RegExp(`--learning_rate.*${HELP}.* ${DEFAULT} `));
  vi.doUnmock('../../main/contract/runConfigTraining.ts');
});

it('the form follows a change', { timeout: 120_000 }, async () => {
  const server = await serveFolder(await buildHarness([{ name: 'change', enforce: 'pre', transform: (code, id) => (id.endsWith('/contract/runConfigTraining.ts') ? changed(code) : null) }]));
  close = server.close;
  browser = await launchBrowser();
  const page = await browser.newPage();
  await page.goto(`${server.url}/?scenario=full#/runs/new`);
  const field = page.locator('[data-path="optimizer.learning_rate"]');
  await field.getByText(HELP).waitFor();
  await field.getByText(`Default: ${DEFAULT}.`).waitFor();
  expect(await page.getByLabel('Learning rate', { exact: true }).inputValue()).toBe(String(DEFAULT));
});
