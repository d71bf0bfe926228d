/** What an evaluation's picture files say: sharpness of each drawn picture, and mean power spectra of drawn and held-out ones. */
import { join } from 'node:path';
import type { Evaluation } from '../../contract/evaluation.ts';
import { pictureKey, type Measure } from '../analysis/measures.ts';
import { readGray } from './gray.ts';
import { sharpness } from './sharpness.ts';
import { meanSpectrum, radialSpectrum } from './spectrum.ts';

export interface PictureFacts {
  /** by `pictureKey` */
  sharpness: Map<string, number>;
  spectrum: number[] | null;
  heldOut: { sharpness: number; spectrum: number[] } | null;
}

/** Reads every picture of an evaluation once. `each` is told after each file. */
export async function pictureFacts({ pictures, references }: Evaluation, folder: string, each: () => void = () => {}): Promise<PictureFacts> {
  const look = async (file: string): Promise<{ sharp: number; spectrum: Float64Array }> => {
    const gray = await readGray(join(folder, file));
    each();
    return { sharp: sharpness(gray), spectrum: radialSpectrum(gray) };
  };
  const drawn = [], held = [];
  for (const p of pictures) drawn.push({ key: pictureKey(p), ...await look(p.file) });
  for (const r of references) held.push(await look(r.file));
  return {
    sharpness: new Map(drawn.map((d) => [d.key, d.sharp])), spectrum: averaged(drawn.map((d) => d.spectrum)),
    heldOut: held.length ? { sharpness: median(held.map((h) => h.sharp)), spectrum: averaged(held.map((h) => h.spectrum))! } : null,
  };
}

/** Mean over pictures of the same size as the first (spectra of other lengths have other frequencies). */
function averaged(spectra: Float64Array[]): number[] | null {
  const same = spectra.filter((s) => s.length === spectra[0]!.length);
  return same.length ? [...meanSpectrum(same)] : null;
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/** |log₂ sharpness / held-out sharpness|: neither blur nor false detail is rewarded. */
export function sharpnessMeasure(facts: ReadonlyMap<Evaluation, PictureFacts>): Measure {
  return {
    id: 'sharpness', title: 'Sharpness, distance from held-out pictures', unit: 'octaves', lowerIsBetter: true,
    note: 'How far the variance of the Laplacian lies from the held-out pictures\' median, blurrier or sharper alike.',
    values: (e) => {
      const own = facts.get(e);
      if (!own?.heldOut || own.heldOut.sharpness <= 0) return [];
      const target = own.heldOut.sharpness;
      return e.pictures.flatMap((p) => {
        const value = own.sharpness.get(pictureKey(p));
        return value === undefined || value <= 0 ? [] : [{ key: pictureKey(p), cluster: p.prompt, value: Math.abs(Math.log2(value / target)) }];
      });
    },
  };
}
