import { statfsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checkDisk } from '../../main/engine/run/diskCheck.ts';
import { errorOf, tempDir } from './train-helpers.ts';

test('room for checkpoints is asked for before the first step', async () => {
  const dir = tempDir(), { bavail, bsize } = statfsSync(dir), free = bavail * bsize;
  expect(checkDisk(dir, 1000, 3, 0)).toBeNull();
  expect(checkDisk(dir, free / 2.5, 3, 0)).toContain('3 checkpoints');
  expect(checkDisk(dir, free / 2.5, 3, 3)).toBeNull();
  expect(await errorOf(() => checkDisk(dir, free * 2, 3, 0))).toMatchObject({ code: 'disk.full', hint: expect.stringContaining('Free some space') });
});
