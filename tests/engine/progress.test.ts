/** The time left counts what comes between steps: pictures drawn, validations, checkpoints. */
import { expect, test } from 'vitest';
import { etaClock, pauseClock, stillDue } from '../../main/engine/run/progress.ts';

test('what is still due after a step: every so many steps, and once after the last', () => {
  expect([0, 29, 30, 99, 100].map((done) => stillDue(30, done, 100))).toEqual([4, 4, 3, 1, 0]);
  expect([0, 50, 100].map((done) => stillDue(50, done, 100))).toEqual([2, 1, 0]);
  expect([0, 99, 100].map((done) => stillDue(0, done, 100))).toEqual([1, 1, 0]);
  expect(stillDue(200, 10, 100)).toBe(1);
});
test('a pause counts as often as it is due; one that never was costs nothing', async () => {
  const clock = pauseClock(30);
  expect(clock.left(0, 100)).toBe(0);
  expect(await clock.timed(() => new Promise((done) => { setTimeout(() => done('drawn'), 50); }))).toBe('drawn');
  const once = clock.left(90, 100);
  expect(once).toBeGreaterThan(0.045);
  expect(clock.left(0, 100)).toBeCloseTo(4 * once, 9);
});

test('no time left is told before enough has been timed, and what was slow at first is soon forgotten', () => {
  const clock = etaClock(5);
  const told = [9, 1, 1, 1, 1].map((seconds) => { clock.tick(seconds); return clock.left(100); });
  expect(told.slice(0, 4)).toEqual([null, null, null, null]);
  expect(told[4]).toBeCloseTo(260, 9);
  expect(etaClock().left(3)).toBeNull();
});
