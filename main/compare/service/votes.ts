/** Blind votes: pairs of pictures that differ only in the arm, shown left and right by chance; arms are named only with the result. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../contract/errors.ts';
import { evaluationFolder, evaluationSchema, type Evaluation } from '../../contract/evaluation.ts';
import type { Handlers } from '../../contract/method.ts';
import type { compareMethods } from '../../contract/compare.ts';
import { mediaUrl } from '../../contract/wire.ts';
import type { Db } from '../../db/open.ts';
import { statements } from '../../db/statements.ts';
import { newId } from '../../files/newId.ts';
import { pairedRuns, pictureKey } from '../analysis/measures.ts';
import { wilsonInterval } from '../statistics/binomial.ts';
import type { RunsPort } from './ports.ts';
import type { ArmRow, CompareStore } from './store.ts';

interface VoteRow { id: string; arm_id: string; pair: string; prompt: string; baseline_file: string; arm_file: string; baseline_left: number; choice: 'left' | 'right' | 'tie' | null }
interface Pair { pair: string; prompt: string; baseline_file: string; arm_file: string }
type Names = 'votes.next' | 'votes.cast' | 'votes.result' | 'votes.clear';

/** The newest evaluation in a run's folder, and where it lies. */
function newestEvaluation(runFolder: string): { evaluation: Evaluation; folder: string } | null {
  const root = join(runFolder, evaluationFolder.root);
  const newest = existsSync(root) ? readdirSync(root).filter((n) => n.startsWith('step-')).sort().at(-1) : undefined;
  if (!newest) return null;
  const parsed = evaluationSchema.safeParse(JSON.parse(readFileSync(join(root, newest, evaluationFolder.file), 'utf8')));
  return parsed.success ? { evaluation: parsed.data, folder: join(root, newest) } : null;
}

function pairsOfArms(runs: RunsPort, baseline: ArmRow, arm: ArmRow): Pair[] {
  const evaluated = (a: ArmRow) => a.run_ids.flatMap((id) => { const run = runs.find(id); return run ? newestEvaluation(run.folder) ?? [] : []; });
  const [own, other] = [evaluated(baseline), evaluated(arm)], folders = new Map([...own, ...other].map((e) => [e.evaluation, e.folder]));
  return pairedRuns(own.map((e) => e.evaluation), other.map((e) => e.evaluation)).flatMap(([a, b]) => {
    const theirs = new Map(b.pictures.map((p) => [pictureKey(p), p.file]));
    return a.pictures.filter((p) => theirs.has(pictureKey(p))).map((p) => ({
      pair: JSON.stringify([a.config.training.seed, p.seed, p.prompt]), prompt: p.prompt,
      baseline_file: join(folders.get(a)!, p.file), arm_file: join(folders.get(b)!, theirs.get(pictureKey(p))!),
    }));
  });
}

/** A fixed order that mixes prompts: by hash. */
const mixed = (pairs: Pair[]): Pair[] => pairs.toSorted((a, b) => (createHash('sha256').update(a.pair).digest('hex') < createHash('sha256').update(b.pair).digest('hex') ? -1 : 1));

export function createVotes(db: Db, store: CompareStore, runs: RunsPort, chance: () => number = Math.random) {
  const sql = statements(db);
  const find = (id: string): VoteRow => {
    const row = sql('SELECT * FROM votes WHERE id = ?').get(id) as VoteRow | undefined;
    if (!row) throw new AppError('compare.no_vote', `There is no vote ${id}.`, 'Ask for the next pair.', { id });
    return row;
  };
  const armsOf = (comparisonId: string, armId: string): { baseline: ArmRow; arm: ArmRow } => {
    const arms = store.arms(store.get(comparisonId).id), baseline = arms.find((a) => a.kind === 'baseline'), arm = arms.find((a) => a.id === armId);
    if (!baseline || !arm || arm === baseline) throw new AppError('compare.no_such_arm', `The comparison has no arm ${armId} beside its baseline.`, 'Choose another arm.', { armId });
    return { baseline, arm };
  };
  const cast = (armId: string): VoteRow[] => sql('SELECT * FROM votes WHERE arm_id = ? AND choice IS NOT NULL').all(armId) as VoteRow[];
  const handlers: Pick<Handlers<typeof compareMethods>, Names> = {
    'votes.next': ({ comparison_id, arm_id }) => {
      const { baseline, arm } = armsOf(comparison_id, arm_id), pairs = mixed(pairsOfArms(runs, baseline, arm)), done = new Set(cast(arm_id).map((v) => v.pair));
      const next = pairs.find((p) => !done.has(p.pair));
      if (!next) return null;
      sql('INSERT OR IGNORE INTO votes (id, arm_id, pair, prompt, baseline_file, arm_file, baseline_left, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
        .run(newId('vote'), arm_id, next.pair, next.prompt, next.baseline_file, next.arm_file, chance() < 0.5 ? 1 : 0, Date.now());
      const { id } = sql('SELECT id FROM votes WHERE arm_id = ? AND pair = ?').get(arm_id, next.pair) as VoteRow;
      return { vote_id: id, prompt: next.prompt, left: mediaUrl('vote', `${id}.left`), right: mediaUrl('vote', `${id}.right`), cast: done.size, total: pairs.length };
    },
    'votes.cast': ({ vote_id, choice }) => {
      sql('UPDATE votes SET choice = ?, cast_at = ? WHERE id = ?').run(choice, Date.now(), find(vote_id).id);
      return { ok: true };
    },
    'votes.result': ({ comparison_id, arm_id }) => {
      const { baseline, arm } = armsOf(comparison_id, arm_id), votes = cast(arm_id), ties = votes.filter((v) => v.choice === 'tie').length;
      const forBaseline = votes.filter((v) => v.choice === (v.baseline_left ? 'left' : 'right')).length, decided = votes.length - ties;
      return { arm_id, arm: arm.label, baseline: baseline.label, votes: votes.length, ties, for_arm: decided - forBaseline, for_baseline: forBaseline, share: decided ? wilsonInterval(decided - forBaseline, decided) : null };
    },
    'votes.clear': ({ comparison_id, arm_id }) => {
      sql('DELETE FROM votes WHERE arm_id = ?').run(armsOf(comparison_id, arm_id).arm.id);
      return { ok: true };
    },
  };
  return {
    handlers,
    /** The file behind "<vote>.left" or "<vote>.right"; its address does not tell the arm. */
    media(mediaId: string): { file: string; sha256: null; name: string } {
      const [id = '', side] = mediaId.split('.'), row = find(id);
      if (side !== 'left' && side !== 'right') throw new AppError('media.not_found', `There is no picture ${mediaId}.`, 'Ask for the next pair.', {});
      return { file: (side === 'left') === (row.baseline_left === 1) ? row.baseline_file : row.arm_file, sha256: null, name: `${side}.png` };
    },
  };
}
