/** How arms look everywhere: a colour, a dash pattern and a letter, for those who do not see colours. */
import type { ArmKind } from '../arms.ts';

export interface ArmStyle { color: string; dash: string; letter: string }

const lplDashes = ['', '12 4', '8 3 2 3', '4 2'];

/** Held-out pictures: what arms are compared with. */
export const heldOutStyle: ArmStyle = { color: '#2f9e62', dash: '', letter: '✓' };

const lplColors = ['#e07b1f', '#c2478d', '#8a6d1d', '#7a52c7'], otherColors = ['#1f9a9a', '#5b7f2b'];

/** As in the window: baseline blue and dashed, LPL orange and solid (further ones in further colours and dashes), A/A grey and dotted, others teal. */
export function armStyles(kinds: readonly ArmKind[]): ArmStyle[] {
  let lpl = 0, others = 0;
  return kinds.map((kind) => {
    if (kind === 'baseline') return { color: '#3d7fd6', dash: '6 3', letter: 'B' };
    if (kind === 'aa') return { color: '#8b8b8b', dash: '2 3', letter: 'A' };
    if (kind === 'other') { others++; return { color: otherColors[(others - 1) % otherColors.length]!, dash: '10 3 2 3', letter: others > 1 ? `O${others}` : 'O' }; }
    const i = lpl++;
    return { color: lplColors[i % lplColors.length]!, dash: lplDashes[i % lplDashes.length]!, letter: i ? `L${i + 1}` : 'L' };
  });
}

/** The report's style sheet. */
export const reportCss = `
:root{color-scheme:light dark;--bg:#fbfbfa;--fg:#1d1f22;--dim:#5d6268;--line:#d9dbdd;--card:#fff}
@media(prefers-color-scheme:dark){:root{--bg:#17181a;--fg:#e8e9ea;--dim:#a0a5ab;--line:#35383c;--card:#1f2123}}
*{box-sizing:border-box}body{margin:0 auto;max-width:1180px;padding:32px 24px 80px;background:var(--bg);color:var(--fg);font:14px/1.5 system-ui,sans-serif;font-variant-numeric:tabular-nums}
h1{font-size:24px;line-height:1.25;margin:0 0 4px}h2{font-size:17px;margin:40px 0 12px}p{max-width:75ch}.dim{color:var(--dim)}
.verdict{font-size:17px;border-left:4px solid var(--line);padding:4px 0 4px 14px;margin:16px 0}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:6px 10px;border-bottom:1px solid var(--line);vertical-align:top}td.n,th.n{text-align:right;white-space:nowrap}th .dim{font-weight:400}td:first-child{min-width:110px}
.tag{display:inline-block;min-width:20px;text-align:center;color:#fff;border-radius:4px;padding:0 5px;font-weight:600;margin-right:6px}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(440px,1fr));gap:20px}figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:6px;padding:10px}
figcaption{font-weight:600;margin-bottom:4px}.legend{display:flex;flex-wrap:wrap;gap:2px 14px;font-size:12px}.legend svg.key{width:24px;height:8px;margin-right:5px}.row.crop img{outline:1px solid var(--line)}svg{width:100%;height:auto;font-size:11px}svg text{fill:var(--dim)}svg .x{text-anchor:middle}svg .y{text-anchor:end;dominant-baseline:middle}svg .grid{stroke:var(--line)}
.pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(360px,1fr));gap:20px 28px}.row{display:grid;grid-auto-flow:column;grid-auto-columns:minmax(48px,160px);gap:8px;align-items:end}.row img{width:100%;image-rendering:pixelated;border-radius:4px;display:block}.row div{font-size:12px}
.warn{background:color-mix(in srgb,#e0a01f 18%,transparent);border-radius:6px;padding:8px 12px}code{font:12px/1.5 ui-monospace,monospace;overflow-wrap:anywhere}details{margin:8px 0}
@media print{body{max-width:none}}
`;
