/** The part of a picture that its bucket cuts out: between the place of its centre and the box in pixels. */
export type Box = readonly [x: number, y: number, width: number, height: number];
const clamp = (v: number, low: number, high: number): number => Math.min(Math.max(v, low), Math.max(low, high));

/** The box of the given size centred at a place (shares of the picture), kept inside the picture. */
export function cropBox(place: { cx: number; cy: number }, [, , w, h]: Box, width: number, height: number): [number, number, number, number] {
  return [Math.round(clamp(place.cx * width - w / 2, 0, width - w)), Math.round(clamp(place.cy * height - h / 2, 0, height - h)), w, h];
}

/** The place of a crop whose centre is put at (x, y), shares of the picture, kept so that the box stays inside. */
export function placeOf(at: { x: number; y: number }, [, , w, h]: Box, width: number, height: number): { cx: number; cy: number } {
  return { cx: clamp(at.x, w / 2 / width, 1 - w / 2 / width), cy: clamp(at.y, h / 2 / height, 1 - h / 2 / height) };
}
