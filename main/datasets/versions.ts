/** Versions: a data set frozen, so that what a run used can be opened again exactly as it was. */
import { datasetSettingsSchema, type DatasetSettings, type DatasetVersion } from '../contract/datasets.ts';
import { newId } from '../files/newId.ts';
import { sha256 } from './captions.ts';
import type { DatasetContext } from './context.ts';
import { decisionFields, type Decisions, type Item } from './model.ts';
import type { Change } from './storeJournal.ts';

export interface VersionContent { root: string; settings: DatasetSettings; items: Item[] }

/** What makes two versions equal: content and decisions, not paths on this machine, ids or what the disk says. */
const essence = ({ settings, items }: VersionContent): string => JSON.stringify({
  background: settings.background,
  items: items.map((i) => [i.file, i.contentHash, i.width, i.height, ...decisionFields.map((f) => i[f])]),
});

/** Freezes the data set as it is; when nothing differs from the newest version, that one is returned. */
export function snapshot(context: DatasetContext, datasetId: string, name: string): DatasetVersion {
  const { root, settings } = context.store.get(datasetId);
  const content: VersionContent = { root, settings, items: context.items.all(datasetId) };
  const hash = sha256(essence(content));
  const [newest] = context.store.versions(datasetId);
  if (newest?.hash === hash) return newest;
  const number = (newest?.number ?? 0) + 1;
  const version: DatasetVersion = { id: newId('dsv'), dataset_id: datasetId, number, name: name || `Version ${number}`, hash, items: content.items.length, created_at: Date.now() };
  context.store.addVersion(version, JSON.stringify(content));
  return version;
}

/** A version with its content. Throws AppError dataset.version_not_found. */
export function openVersion(context: DatasetContext, versionId: string): { version: DatasetVersion; content: VersionContent } {
  const { content, ...version } = context.store.version(versionId);
  const parsed = JSON.parse(content) as VersionContent;
  return { version, content: { ...parsed, settings: datasetSettingsSchema.parse(parsed.settings) } };
}

/** The decisions of a version as changes of today's pictures, matched by content, then by name; pictures that came later are excluded. */
export function changesToRestore(now: readonly Item[], then: readonly Item[]): Change[] {
  const byHash = new Map(then.filter((i) => i.contentHash !== null).map((i) => [`${i.contentHash}:${i.file}`, i]));
  const byContent = new Map(then.map((i) => [i.contentHash, i])), byFile = new Map(then.map((i) => [i.file, i]));
  return now.map((item): Change => {
    const old = byHash.get(`${item.contentHash}:${item.file}`) ?? (item.contentHash === null ? undefined : byContent.get(item.contentHash)) ?? byFile.get(item.file);
    const changes: Partial<Decisions> = old ? Object.fromEntries(decisionFields.map((f) => [f, old[f]])) : { excluded: true, excludedReason: 'not in the version that was restored' };
    return { itemId: item.id, changes };
  });
}
