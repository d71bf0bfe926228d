/** Which pictures are selected: a focus, an anchor for ranges, and the set. Pure, so that keys and mouse agree. */
export interface Selection { focus: number | null; anchor: number | null; ids: ReadonlySet<number> }
export const noSelection: Selection = { focus: null, anchor: null, ids: new Set() };

export type How = 'only' | 'toggle' | 'range';

/** The selection after a click on (or a move to) `id`, among `order`. */
export function select(s: Selection, id: number, how: How, order: readonly number[]): Selection {
  if (how === 'toggle') {
    const ids = new Set(s.ids);
    if (!ids.delete(id)) ids.add(id);
    return { focus: id, anchor: id, ids };
  }
  if (how === 'range' && s.anchor !== null) {
    const a = order.indexOf(s.anchor);
    const b = order.indexOf(id);
    if (a >= 0 && b >= 0) return { focus: id, anchor: s.anchor, ids: new Set(order.slice(Math.min(a, b), Math.max(a, b) + 1)) };
  }
  return { focus: id, anchor: id, ids: new Set([id]) };
}

const stepOf: Record<string, (columns: number, page: number, all: number) => number> = {
  ArrowRight: () => 1, ArrowLeft: () => -1, ArrowDown: (columns) => columns, ArrowUp: (columns) => -columns,
  PageDown: (columns, page) => columns * page, PageUp: (columns, page) => -columns * page, Home: (_c, _p, all) => -all, End: (_c, _p, all) => all,
};
export const moves = (key: string): boolean => Object.hasOwn(stepOf, key);

/** The id that a key leads to; null when the key does not move. `page`: rows in sight. */
export function moved(s: Selection, key: string, order: readonly number[], columns: number, page: number): number | null {
  if (!moves(key) || order.length === 0) return null;
  const at = s.focus === null ? -1 : order.indexOf(s.focus);
  return order[at < 0 ? 0 : Math.min(order.length - 1, Math.max(0, at + stepOf[key]!(columns, page, order.length)))] ?? null;
}

/** Only what is still there. */
export function within(s: Selection, order: readonly number[]): Selection {
  const there = new Set(order);
  const ids = new Set([...s.ids].filter((id) => there.has(id)));
  const keep = (id: number | null): number | null => (id !== null && there.has(id) ? id : null);
  return { focus: keep(s.focus), anchor: keep(s.anchor), ids };
}
