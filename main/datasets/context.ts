/** What the parts of the data sets' room share. */
import type { AppErrorData } from '../contract/errors.ts';
import type { Db } from '../db/open.ts';
import { createDatasetStore, type DatasetStore } from './store.ts';
import type { Item } from './model.ts';
import { createItemStore, type ItemStore } from './storeItems.ts';
import { createJournal, type Journal } from './storeJournal.ts';
import { createThumbnails, type Thumbnails } from './thumbnails.ts';
import { cachedCounter, tokensOf, type CountTokens } from './tokens.ts';

/** What long work is given by whoever runs it: a job of the app, or the command line. */
export interface Work { readonly signal: AbortSignal; progress(text: string, done: number, total: number): void }
/** Who runs long work; the app's jobs. */
export interface JobStarter { start(kind: string, title: string, work: (job: Work) => Promise<unknown>): { id: string } }

export interface DatasetContext {
  db: Db;
  /** the app's folder for data sets: unpacked zips, thumbnails */
  folder: string;
  store: DatasetStore;
  items: ItemStore;
  journal: Journal;
  thumbnails: Thumbnails;
  /** data sets that a job works on just now, with the job's id */
  working: Map<string, string>;
  /** why the last job on a data set failed, until the next one */
  failed: Map<string, AppErrorData>;
  /** null: no tokenizer, tokens stay uncounted */
  countTokens: CountTokens | null;
  /** Counts the tokens of these pictures' captions again, in the table and in the items given. */
  retokenize(changed: readonly Item[]): void;
}

export function createDatasetContext(db: Db, folder: string, count: CountTokens | null): DatasetContext {
  const items = createItemStore(db);
  const countTokens = count && cachedCounter(count);
  return {
    db, folder, items, countTokens, working: new Map(), failed: new Map(), store: createDatasetStore(db), journal: createJournal(db, items), thumbnails: createThumbnails(`${folder}/thumbnails`),
    retokenize: db.transaction((changed: readonly Item[]) => {
      for (const item of changed) {
        const tokens = countTokens ? tokensOf(item.captions, countTokens) : null;
        if (tokens === item.tokens) continue;
        items.update(item.id, { tokens });
        item.tokens = tokens;
      }
    }),
  };
}
