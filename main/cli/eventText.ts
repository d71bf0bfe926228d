/** Training events as a person reads them on a terminal. */
import type { TrainerEvent } from '../contract/trainerEvent.ts';
import { isCounted, stagePercent } from '../contract/stages.ts';
import { duration, type Output } from './output.ts';

const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
const number = (x: number): string => (x !== 0 && Math.abs(x) < 1e-3 ? x.toExponential(2) : x.toPrecision(4));

/** Lines for events that get one; stages and steps move the bar instead. */
export function eventLine(e: TrainerEvent): string | undefined {
  switch (e.type) {
    case 'started': return `${e.backend} ${e.version} on ${e.device}, ${e.precision}${e.compiled ? ', compiled' : ', op by op'}${e.resumed_from === null ? '' : `; resumed from step ${e.resumed_from}`}; ${e.total_steps} steps`;
    case 'validation': return `validation at step ${e.step}: ${Object.entries(e.metrics).map(([k, v]) => `${k} ${number(v)}`).join(', ')}`;
    case 'sample': return `picture ${e.file} (step ${e.step}, seed ${e.seed}${e.ema ? ', EMA' : ''}): ${e.prompt.slice(0, 60)}`;
    case 'prompts': return `from now on ${e.prompts.length} other sample prompts are drawn: ${e.prompts.map((p) => p.slice(0, 60)).join(' | ')}`;
    case 'checkpoint': return `checkpoint ${e.dir} saved and read back, ${mb(e.bytes)}${e.removed.length ? `; removed ${e.removed.join(', ')}` : ''}`;
    case 'export': return `${e.format} written to ${e.file}, ${mb(e.bytes)}`;
    case 'excluded': return `left out: ${e.item}: ${e.reason}`;
    case 'warning': return `warning: ${e.message}`;
    case 'finished': return `${e.reason} at step ${e.step} after ${duration(e.seconds)}`;
    case 'failed': return `error: ${e.error.message}\n  ${e.error.hint}${e.last_checkpoint ? `\n  Last checkpoint: ${e.last_checkpoint}` : ''}${e.error.code === 'internal' ? `\n${String(e.error.details?.['stack'])}` : ''}`;
    default: return undefined;
  }
}

/** Prints events as they come. */
export function eventPrinter(output: Output): (e: TrainerEvent) => void {
  let total = 0;
  return (e) => {
    output.data(e);
    if (e.type === 'started') total = e.total_steps;
    if (e.type === 'stage') output.progress(e.text, e.done, e.total, e.eta_s, stagePart(e));
    else if (e.type === 'step') output.progress(stepLabel(e), e.step, total, e.eta_s);
    else output.text(eventLine(e)!);
  };
}

/** What stands after the bar: a count of what a person counts, else the share. */
export function stagePart(e: Extract<TrainerEvent, { type: 'stage' }>): string | undefined {
  const share = stagePercent(e);
  return isCounted(e.stage) ? undefined : share === null ? '' : `${share} %`;
}

function stepLabel(e: Extract<TrainerEvent, { type: 'step' }>): string {
  const m = e.metrics, lpl = m['lpl_loss'] === undefined ? '' : ` · lpl ${number(m['lpl_loss'])}`;
  return `loss ${number(m['loss'] ?? NaN)}${lpl} · lr ${number(m['lr'] ?? NaN)} · ${e.images_per_s.toFixed(2)} pictures/s · ${Math.round(e.memory.rss_mb)} MB`;
}
