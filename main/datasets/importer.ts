/** Reads a data set's source: pictures are probed once, captions every time, decisions are never lost. */
import { join } from 'node:path';
import { CaptionFinder } from './captions.ts';
import type { DatasetContext, Work } from './context.ts';
import { findDuplicates } from './findDuplicates.ts';
import { initialDecisions, mergeCaptions, type ReadCaptions } from './mergeCaptions.ts';
import type { Decisions, Item } from './model.ts';
import { forEachParallel } from './pool.ts';
import { probeImage, type ProbeProblem } from './probe.ts';
import type { FoundImage, ScanNote } from './scan.ts';
import { scanSource } from './sources.ts';
import type { DatasetRow } from './store.ts';
import type { Change } from './storeJournal.ts';
import { tokensOf } from './tokens.ts';

export interface ImportResult { pictures: number; added: number; changed: number; missing: number; problems: number; conflicts: number; notes: number }

/** One picture as read: to be written in the next batch. */
interface Reading { image: FoundImage; old: Item | undefined; facts: Partial<Item> | undefined; signature: Uint8Array | undefined; captions: ReadCaptions }

const BATCH = 100;
const noFacts = (problem: ProbeProblem): Partial<Item> => ({ problemCode: problem.code, problem: problem.reason, contentHash: problem.contentHash, width: null, height: null, sharpness: null, flatness: null });

/**
 * Scans the source of `row` and brings the tables up to date. Pictures that are gone keep their decisions and get a reason. Can be cancelled
 * at any time: what was read stays, and the next scan goes on from there. Throws AppError dataset.gone.
 */
export async function importSource(context: DatasetContext, row: DatasetRow, work: Work): Promise<ImportResult> {
  work.progress('Looking through folders', 0, 0);
  const scan = await scanSource({ kind: row.source, origin: row.origin, root: row.root }, { signal: work.signal, progress: (n) => work.progress(`Looking through folders: ${n} pictures`, 0, 0) });
  const finder = new CaptionFinder(row.root, row.settings.caption_column);
  await finder.load(scan.metadataFiles, scan.notes);
  const run = new ImportRun(context, row, finder, work);
  await run.readAll(scan.images, scan.notes);
  const result = run.finish(scan.images, scan.notes);
  await findDuplicates(context, row.id, work);
  return result;
}

class ImportRun {
  private readonly known: Map<string, Item>;
  private readonly pending: Reading[] = [];
  private readonly fromDisk: Change[] = [];
  private readonly result: ImportResult = { pictures: 0, added: 0, changed: 0, missing: 0, problems: 0, conflicts: 0, notes: 0 };
  private readonly context: DatasetContext;
  private readonly row: DatasetRow;
  private readonly finder: CaptionFinder;
  private readonly work: Work;

  constructor(context: DatasetContext, row: DatasetRow, finder: CaptionFinder, work: Work) {
    this.context = context;
    this.row = row;
    this.finder = finder;
    this.work = work;
    this.known = new Map(context.items.all(row.id).map((i) => [i.file, i]));
  }

  async readAll(images: readonly FoundImage[], notes: ScanNote[]): Promise<void> {
    let done = 0;
    try {
      await forEachParallel(images, async (image) => {
        this.pending.push(await this.read(image));
        if (this.pending.length >= BATCH) this.flush();
        this.work.progress('Reading pictures', ++done, images.length);
      }, { signal: this.work.signal });
    } finally {
      this.flush();
      this.context.store.update(this.row.id, { notes: notes.slice(0, 5_000), columns: [...this.finder.columns].filter((c) => c !== 'lpl').sort() });
    }
  }

  private async read(image: FoundImage): Promise<Reading> {
    const old = this.known.get(image.file);
    const captions = await this.finder.find(image);
    if (old && this.unchanged(old, image)) return { image, old, facts: undefined, signature: undefined, captions };
    const { background } = this.row.settings;
    const probe = await probeImage(join(this.row.root, image.file), background);
    if (!probe.ok) return { image, old, facts: noFacts(probe.problem), signature: undefined, captions };
    const { thumbnail, signature, ...facts } = probe.facts;
    if (!this.context.thumbnails.has(facts.contentHash, facts.alpha, background)) this.context.thumbnails.write(facts.contentHash, facts.alpha, background, thumbnail);
    return { image, old, facts: { ...facts, problemCode: null, problem: null }, signature, captions };
  }

  private unchanged(old: Item, image: FoundImage): boolean {
    return old.problemCode === null && old.contentHash !== null && old.bytes === image.bytes && old.mtimeMs === image.mtimeMs && this.context.thumbnails.has(old.contentHash, old.alpha, this.row.settings.background);
  }

  private flush(): void {
    this.context.db.transaction(() => { for (const reading of this.pending.splice(0)) this.write(reading); })();
  }

  private write({ image, old, facts, signature, captions }: Reading): void {
    const { items } = this.context;
    const base = { bytes: image.bytes, mtimeMs: image.mtimeMs, sidecar: image.sidecarTarget, ...facts };
    let id = old?.id;
    if (id === undefined) {
      const decisions = { ...initialDecisions(image.file, captions), captions: captions.captions };
      id = items.insert(this.row.id, { file: image.file, ...base, ...decisions, diskCaptions: captions.captions, captionSource: captions.source, sidecarHash: captions.sidecarHash, captionNote: captions.note, tokens: this.count(captions.captions) });
      if (decisions.split === 'validation' && facts?.contentHash) this.context.store.setSplit(this.row.id, facts.contentHash, 'validation');
      this.result.added++;
    } else {
      const merged = mergeCaptions(old!, captions);
      if (merged.adopt) this.fromDisk.push({ itemId: id, changes: { captions: merged.adopt } satisfies Partial<Decisions> });
      if (facts || merged.adopt) this.result.changed++;
      items.update(id, { ...base, ...merged.item });
    }
    if (signature) items.setSignature(id, signature);
  }

  private count(captions: readonly string[]): number | null {
    return this.context.countTokens ? tokensOf(captions, this.context.countTokens) : null;
  }

  /** Marks what is gone, journals captions taken from disk, and sums up. */
  finish(images: readonly FoundImage[], notes: readonly ScanNote[]): ImportResult {
    const { db, items, journal, store } = this.context;
    const found = new Set(images.map((i) => i.file));
    db.transaction(() => {
      for (const item of this.known.values()) if (!found.has(item.file)) { this.result.missing++; items.update(item.id, { problemCode: 'missing', problem: 'the file is no longer in the folder', width: null, height: null }); }
      if (this.fromDisk.length > 0) journal.edit(this.row.id, 'Read changed captions from disk', this.fromDisk);
      store.update(this.row.id, { scanned_at: Date.now() });
    })();
    this.context.retokenize(this.fromDisk.map((c) => items.one(c.itemId)!));
    const now = items.all(this.row.id);
    return { ...this.result, pictures: now.length, problems: now.filter((i) => i.problem !== null).length, conflicts: now.filter((i) => i.conflictCaptions !== null).length, notes: notes.length };
  }
}
