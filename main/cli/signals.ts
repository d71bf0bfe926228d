/** Ctrl+C and SIGTERM, for commands that end in order. */
const SAME_MS = 1_000;

/**
 * Calls `first` when the command is asked to end, and `again` when it is asked once more. Under npm one Ctrl+C arrives several times, from the
 * terminal and from each process before this one: what comes within a second of the first is the same. Returns how to listen no longer.
 */
export function onSignals(first: () => void, again: () => void): () => void {
  let asked: number | undefined;
  const heard = (): void => {
    if (asked === undefined) { asked = performance.now(); first(); } else if (performance.now() - asked > SAME_MS) again();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, heard);
  return () => { for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, heard); };
}
