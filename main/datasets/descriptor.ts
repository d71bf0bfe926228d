/**
 * Perceptual hash for finding near-duplicates: the 48 coefficients of a 4×4 DCT of the picture's colours (cf. Zauner 2010,
 * "Implementation and benchmarking of perceptual image hash functions", whose hash keeps only signs; the values
 * themselves are steadier on drawings with flat grounds). Scaled to equal energy, so brightness does not count.
 * The transform is orthonormal: distances between descriptors are distances between the small pictures.
 */

/** Side of the thumbs that descriptors and comparisons are made from. */
export const THUMB_SIDE = 32;
export const DESCRIPTOR_LENGTH = 48;
const SIDE = 4;
/** Root mean square value that pictures are scaled to; darker than FLOOR they are scaled as if they had it. */
const ENERGY = 128;
const FLOOR = 40;

const dct = Array.from({ length: SIDE }, (_, k) => Float32Array.from({ length: SIDE }, (_, i) => Math.sqrt((k === 0 ? 1 : 2) / SIDE) * Math.cos((Math.PI * k * (2 * i + 1)) / (2 * SIDE))));
/** Orthonormal opponent colours: grey, red−blue, red+blue−2·green. */
const opponents = [[1 / Math.sqrt(3), 1 / Math.sqrt(3), 1 / Math.sqrt(3)], [Math.SQRT1_2, 0, -Math.SQRT1_2], [1 / Math.sqrt(6), -2 / Math.sqrt(6), 1 / Math.sqrt(6)]] as const;

/** Mean colours of a 4×4 grid over a 32×32 RGB thumb, three planes of 16, in opponent colours. */
function grid(thumb: Uint8Array): Float32Array[] {
  const block = THUMB_SIDE / SIDE, sums = new Uint32Array(SIDE * SIDE * 3);
  for (let y = 0, p = 0; y < THUMB_SIDE; y++) for (let x = 0; x < THUMB_SIDE; x++, p += 3) {
    const cell = (Math.floor(y / block) * SIDE + Math.floor(x / block)) * 3;
    sums[cell]! += thumb[p]!; sums[cell + 1]! += thumb[p + 1]!; sums[cell + 2]! += thumb[p + 2]!;
  }
  return opponents.map((o) => Float32Array.from({ length: SIDE * SIDE }, (_, cell) => (o[0] * sums[cell * 3]! + o[1] * sums[cell * 3 + 1]! + o[2] * sums[cell * 3 + 2]!) / (block * block)));
}

/** Descriptor of a 32×32 RGB thumb; the distance of two is the root mean square difference of their 4×4 pictures, in grey levels. */
export function describe(thumb: Uint8Array): Float32Array {
  const planes = grid(thumb);
  const energy = Math.sqrt(planes.reduce((s, plane) => s + plane.reduce((t, v) => t + v * v, 0), 0) / DESCRIPTOR_LENGTH);
  const scale = ENERGY / Math.max(energy, FLOOR) / Math.sqrt(DESCRIPTOR_LENGTH);
  const out = new Float32Array(DESCRIPTOR_LENGTH);
  planes.forEach((plane, c) => {
    for (let k = 0; k < SIDE; k++) for (let m = 0; m < SIDE; m++) {
      let s = 0;
      for (let y = 0; y < SIDE; y++) for (let x = 0; x < SIDE; x++) s += dct[k]![y]! * dct[m]![x]! * plane[y * SIDE + x]!;
      out[c * SIDE * SIDE + k * SIDE + m] = s * scale;
    }
  });
  return out;
}
