/**
 * Drawing that may wait until the person's input has been answered. One drawing a turn, the latest one of each chart, so that
 * a key or a click never waits for more than one of them.
 */
const waiting = new Map<object, () => void>();
let asked = false;

const whenIdle: (work: () => void) => void = typeof requestIdleCallback === 'function'
  ? (work) => { requestIdleCallback(work, { timeout: 150 }); } : (work) => { setTimeout(work, 16); };

function next(): void {
  asked = false;
  const first = waiting.entries().next().value;
  if (!first) return;
  waiting.delete(first[0]);
  ask();
  first[1]();
}
function ask(): void {
  if (asked || waiting.size === 0) return;
  asked = true;
  whenIdle(next);
}

/** Does `work` soon; a later call for the same owner takes the place of one that still waits. */
export function soon(owner: object, work: () => void): void {
  waiting.set(owner, work);
  ask();
}
export function never(owner: object): void { waiting.delete(owner); }
