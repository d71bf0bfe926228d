/**
 * The pictures that the built-in model learns from: emoji drawn from SVG, each with its name as caption.
 *
 * Noto (Apache-2.0) and Fluent flat (MIT) are the model's own styles; the old Noto "blobs" (Apache-2.0) are the style
 * that it has never seen, from which the demo data set is made.
 */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import sharp from 'sharp';

const require = createRequire(import.meta.url);
export type Style = 'noto' | 'fluent' | 'blob';
const packages: Record<Style, string> = { noto: '@iconify-json/noto', fluent: '@iconify-json/fluent-emoji-flat', blob: '@iconify-json/noto-v1' };

type IconSet = { icons: Record<string, { body: string; width?: number; height?: number }>; width?: number; height?: number };
export interface Picture { style: Style; /** "red-apple" */ name: string; category: string; caption: string; svg: string }

/** Variants in skin colour and hair show the same drawing again; they are left out. */
const variant = /(^|-)(dark|light|medium|skin-tone|skin|tone\d?)(-|$)/;
const unnamed = /^(u[0-9a-f]{4,}|[0-9a-f]{4,5})(-|$)/;

/** "noto emoji of a red apple": the caption of a picture. */
export function captionOf(style: Style, name: string): string {
  const words = name.replace(/-/g, ' ');
  const plural = /(?:[^s]s|ese)$/.test(words) && !/(?:us|is|ss|lens|bus|cactus)$/.test(words);
  const article = plural ? '' : /^[aeiou]/.test(words) && !/^uni|^eur/.test(words) ? 'an ' : 'a ';
  return `${style} emoji of ${article}${words}`;
}

/** Every picture of a style that has a name and a category, skin-tone variants apart, sorted by name. */
export function picturesOf(style: Style): Picture[] {
  const set = require(`${packages[style]}/icons.json`) as IconSet;
  const { categories } = require(`${packages[style]}/metadata.json`) as { categories: Record<string, string[]> };
  const category = new Map(Object.entries(categories).flatMap(([c, names]) => names.map((n) => [n, c] as const)));
  return Object.entries(set.icons)
    .filter(([name]) => category.has(name) && !variant.test(name) && !unnamed.test(name))
    .map(([name, icon]) => {
      const w = icon.width ?? set.width ?? 128;
      const h = icon.height ?? set.height ?? 128;
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 ${w} ${h}">${icon.body}</svg>`;
      return { style, name, category: category.get(name)!, caption: captionOf(style, name), svg };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Draws a picture on white, RGB, size × size, with a margin of 1/16 on each side. Source resolution is four times the target's. */
export async function draw(picture: Picture, size: number): Promise<Buffer> {
  const margin = Math.round(size / 16);
  const inner = size - 2 * margin;
  const background = { r: 255, g: 255, b: 255, alpha: 1 };
  const large = await sharp(Buffer.from(picture.svg), { density: (72 * inner * 4) / 128 }).resize(inner * 4, inner * 4, { fit: 'contain', background: { ...background, alpha: 0 } }).png().toBuffer();
  return sharp(large).resize(inner, inner).extend({ top: margin, bottom: margin, left: margin, right: margin, background: { ...background, alpha: 0 } })
    .flatten({ background }).removeAlpha().raw().toBuffer();
}

const rank = (p: Picture): string => createHash('sha256').update(`${p.style}/${p.name}`).digest('hex');

/** `count` pictures that no training ever sees, chosen by the hash of style and name. */
export function heldOut(pictures: Picture[], count: number): Set<Picture> {
  return new Set([...pictures].sort((a, b) => (rank(a) < rank(b) ? -1 : 1)).slice(0, count));
}

const drawnCategories = new Set(['Activities', 'Animals & Nature', 'Food & Drink', 'Objects', 'Smileys & Emotion', 'Travel & Places']);
const drawnSymbols = /^(red|orange|yellow|green|blue|purple|brown|black|white)-(circle|square|heart)$|heart|^star$|-star$/;

/** Pictures with names of one or two words that both base styles have; no people, no signs: what text to image is trained on. */
export function namedPictures(base: Picture[]): Picture[] {
  const simple = (p: Picture): boolean => p.name.split('-').length <= 2 && (drawnCategories.has(p.category) || drawnSymbols.test(p.name));
  const styles = (name: string): number => new Set(base.filter((p) => p.name === name).map((p) => p.style)).size;
  const shared = new Map(base.filter(simple).map((p) => [p.name, styles(p.name) === 2]));
  return base.filter((p) => simple(p) && shared.get(p.name));
}
