/** The page of settings says what the schema says. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { settingsDocs, settingsPage } from '../../scripts/write-docs.ts';

test('docs/run-settings.md is up to date with the contract (else run scripts/write-docs.ts)', () => {
  expect(readFileSync(settingsPage, 'utf8')).toBe(settingsDocs());
});
