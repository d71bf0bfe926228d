/** Folders and files for choosing: what is shown, what cannot be chosen, and why. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { browse } from '../../main/services/browseFiles.ts';
import { remove, temporaryFolder } from './helpers.ts';

test('a model is chosen among .safetensors; pickles are shown, greyed, with the reason; other files and hidden ones are not there', () => {
  const folder = temporaryFolder();
  for (const name of ['a.safetensors', 'B.CKPT', 'c.bin', 'notes.txt', '.hidden.safetensors']) writeFileSync(join(folder, name), 'x');
  mkdirSync(join(folder, 'more.ckpt'));
  const shown = (extensions?: string[]): [string, boolean][] => browse(folder, extensions).entries.map((e) => [e.name, e.unusable === null]);
  expect(shown(['safetensors'])).toEqual([['more.ckpt', true], ['a.safetensors', true], ['B.CKPT', false], ['c.bin', false]]);
  expect(browse(folder, ['safetensors']).entries[2]!.unusable).toMatch(/pickle.*never opened.*\.safetensors/);
  expect(shown(['zip'])).toEqual([['more.ckpt', true]]);
  expect(shown().every(([, usable]) => usable)).toBe(true);
  expect(() => browse(join(folder, 'a.safetensors'), undefined)).toThrow('There is no folder');
  remove(folder);
});
