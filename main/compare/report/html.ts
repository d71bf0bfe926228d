/** One self-contained HTML file: nothing in it is fetched from anywhere, so it opens years later without the app. */
import type { Analysis } from '../analysis/analyse.ts';
import type { ArmKind } from '../arms.ts';
import type { Difference } from '../configDiff.ts';
import { escape } from './escape.ts';
import { differenceSection, numberSection, pictureSection, verdictSection, type PictureRow, type StyledArm } from './sections.ts';
import { reportCss } from './styles.ts';
import { svgCurves, type ReportSeries } from './svgCurves.ts';

export interface ReportChart { title: string; xLabel: string; series: ReportSeries[]; logY?: boolean }
export interface ReportArm extends StyledArm { kind: ArmKind; runs: { name: string; seed: number; steps: number; seconds: number; weights_sha256: string; config: unknown }[] }
export interface Report {
  title: string;
  /** ISO 8601 */
  madeAt: string;
  arms: ReportArm[];
  differences: Difference[];
  analysis: Analysis;
  charts: ReportChart[];
  pictures: PictureRow[];
  /** name -> value: app, engine, base model, data set, feature space */
  provenance: Record<string, string>;
}

const runTable = (arms: readonly ReportArm[]): string => `<table><tr><th>Run</th><th class="n">Seed</th><th class="n">Steps</th><th class="n">Training time</th><th>Trained weights (SHA-256)</th></tr>${arms.flatMap((a) => a.runs.map((r) =>
  `<tr><td><span class="tag" style="background:${a.style.color}">${a.style.letter}</span>${escape(r.name)}</td><td class="n">${r.seed}</td><td class="n">${r.steps}</td><td class="n">${r.seconds.toFixed(1)} s</td><td><code>${escape(r.weights_sha256)}</code></td></tr>`)).join('')}</table>`;

const configs = (arms: readonly ReportArm[]): string => arms.flatMap((a) => a.runs.slice(0, 1).map((r) =>
  `<details><summary>Configuration of ${escape(a.label)}</summary><pre><code>${escape(JSON.stringify(r.config, null, 2))}</code></pre></details>`)).join('');

/** What a browser may load for the report: pictures that are in it, and nothing from anywhere. */
const fetchesNothing = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

const firstTrainings = (arms: readonly ReportArm[]): string => (arms.some((a) => a.runs.length > 1) ? `<p class="dim">Of each arm's first training (${arms.map((a) => `${escape(a.label)}: seed ${a.runs[0]!.seed}`).join(', ')}). The numbers below are of all of them.</p>` : '');

/** The report as HTML text. */
export function reportHtml(report: Report): string {
  const { arms, analysis } = report;
  const provenance = Object.entries(report.provenance).map(([k, v]) => `<tr><td>${escape(k)}</td><td><code>${escape(v)}</code></td></tr>`).join('');
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${fetchesNothing}"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escape(report.title)}</title><style>${reportCss}</style></head><body>
<h1>${escape(report.title)}</h1><p class="dim">${escape(report.madeAt)} · LPL Studio</p>${verdictSection(analysis)}
<h2>What differs</h2>${differenceSection(arms, report.differences)}
<h2>Curves on held-out pictures</h2><p class="dim">Fixed noise and timesteps for every arm; a band spans the repetitions. The training loss is not shown: it contains what is being tested.</p><div class="charts">${report.charts.map((c) => svgCurves(c.title, c.xLabel, c.series, c.logY)).join('')}</div>
<h2>Pictures</h2>${firstTrainings(arms)}${pictureSection(arms, report.pictures)}
<h2>Numbers</h2>${numberSection(arms, analysis)}
<h2>Runs</h2>${runTable(arms)}${configs(arms)}
<h2>Made with</h2><table>${provenance}</table></body></html>`;
}
