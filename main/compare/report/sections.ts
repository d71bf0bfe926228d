/** The parts of a report as HTML text. */
import { verdictWords } from '../../contract/verdictWords.ts';
import type { Analysis, MeasureResult } from '../analysis/analyse.ts';
import { shownValue, type Difference } from '../configDiff.ts';
import type { Interval } from '../statistics/pairedBootstrap.ts';
import { escape } from './escape.ts';
import type { ArmStyle } from './styles.ts';

export type StyledArm = { label: string; style: ArmStyle };

export const tag = ({ label, style }: StyledArm): string => `<span class="tag" style="background:${style.color}">${style.letter}</span>${escape(label)}`;
const number = (x: number | null): string => (x === null ? '–' : Math.abs(x) >= 1e-3 && Math.abs(x) < 1e5 ? x.toFixed(4) : x === 0 ? '0' : x.toExponential(2));
const interval = (i: Interval | null): string => (i ? `${number(i.effect)} <span class="dim">[${number(i.low)}, ${number(i.high)}]</span>` : '–');
const shown = (v: unknown): string => escape(shownValue(v));

/** The sentence for each judged arm, and which arms are identical. */
export function verdictSection({ verdicts, identical }: Analysis): string {
  const same = identical.map((l) => `<p class="verdict">${escape(l)} is identical to the baseline: the trained weights are the same, bit for bit.</p>`);
  return [...same, ...verdicts.filter((v) => !identical.includes(v.label)).map((v) => `<p class="verdict"><strong>${escape(verdictWords(v.verdict.kind, v.label))}</strong><br><span class="dim">${escape(v.verdict.sentence)}</span></p>`)].join('');
}

/** What differs between the arms; differences that the comparison is not about are called out. */
export function differenceSection(arms: readonly StyledArm[], differences: readonly Difference[]): string {
  if (!differences.length) return '<p>The arms have the same settings.</p>';
  const unintended = differences.filter((d) => !d.intended);
  const warning = unintended.length ? `<p class="warn">These arms also differ in ${unintended.map((d) => escape(d.title)).join(', ')}. What the numbers show may come from that.</p>` : '';
  const rows = differences.map((d) => `<tr><td>${escape(d.title)} <code class="dim">${escape(d.path)}</code></td>${d.values.map((v) => `<td>${shown(v)}</td>`).join('')}</tr>`);
  return `${warning}<table><tr><th>Setting</th>${arms.map((a) => `<th>${tag(a)}</th>`).join('')}</tr>${rows.join('')}</table>`;
}

function measureRows(measure: MeasureResult, arms: readonly StyledArm[]): string {
  const rows = measure.arms.map((a, i) => `<tr><td>${tag(arms[i]!)}</td><td class="n">${number(a.mean)}</td><td class="n">${interval(a.effect)}</td><td>${a.verdict ? escape(a.verdict.sentence) : ''}</td></tr>`);
  return `<tr><th colspan="4">${escape(measure.title)} <span class="dim">(${measure.lowerIsBetter ? 'lower' : 'higher'} is better) ${escape(measure.note)}</span></th></tr>${rows.join('')}`;
}

/** Every measure with each arm's mean and its difference from the baseline with the 95 % interval. */
export function numberSection(arms: readonly StyledArm[], { measures, distances }: Analysis): string {
  const sets = distances.map((d, i) => (d.values ? `<tr><td>${tag(arms[i]!)}</td><td class="n">${d.values.pictures} / ${d.values.references}</td><td class="n">${number(d.values.kid.value)} ± ${number(d.values.kid.std)}</td><td class="n">${number(d.values.frechet.value)} ± ${number(d.values.frechet.std)}</td></tr>` : ''));
  const warning = distances.find((d) => d.values?.frechetWarning)?.values?.frechetWarning;
  return `<table><tr><th>Arm</th><th class="n">Mean</th><th class="n">Difference from baseline [95 %]</th><th>In words</th></tr>${measures.map((m) => measureRows(m, arms)).join('')}</table>
<h2>Distances between picture sets</h2><table><tr><th>Arm</th><th class="n">Pictures drawn / held out</th><th class="n">KID ± spread over subsets</th><th class="n">Fréchet distance ± spread</th></tr>${sets.join('')}</table>${warning ? `<p class="warn">${escape(warning)}</p>` : ''}`;
}

export interface PictureRow { prompt: string; seed: number; /** one data URI an arm; null where an arm lacks it */ images: (string | null)[]; /** the same square of each at 1:1, where pictures are large */ details?: string[] | null }

/** The same prompt and seed in every arm, side by side. */
export const pictureSection = (arms: readonly StyledArm[], rows: readonly PictureRow[]): string => `<div class="pictures">${rows.map((r) => pictureRow(arms, r)).join('')}</div>`;

function pictureRow(arms: readonly StyledArm[], { prompt, seed, images, details }: PictureRow): string {
  const cell = (src: string | null, i: number): string => `<div>${src ? `<img alt="${escape(`${arms[i]!.label}: ${prompt}`)}" src="${src}">` : 'none'}${tag(arms[i]!)}</div>`;
  const crop = (src: string, i: number): string => `<div><img alt="${escape(`Detail, ${arms[i]!.label}`)}" src="${src}"></div>`;
  return `<div><div class="dim">${escape(prompt)}, seed ${seed}</div><div class="row">${images.map(cell).join('')}</div>${details ? `<div class="row crop">${details.map(crop).join('')}</div>` : ''}</div>`;
}
