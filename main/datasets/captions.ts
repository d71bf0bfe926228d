/** Which captions belong to a picture: its sidecar, else a metadata file's row, else the class tokens of its kohya folder. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { kohyaOf } from './kohya.ts';
import { captionsOfRow, readMetadata, type MetadataRow, type MetadataTable } from './metadataFiles.ts';
import type { FoundImage, ScanNote } from './scan.ts';
import { captionLines, decodeText } from './textDecode.ts';

export type CaptionSource = 'sidecar' | MetadataTable['source'] | 'folder' | 'none';
export interface FoundCaptions {
  captions: string[];
  source: CaptionSource;
  /** SHA-256 of the bytes of the file that captions will be written to; null: there is none yet */
  sidecarHash: string | null;
  note: string | null;
  /** the metadata row, for the columns that our own export adds */
  row: MetadataRow | null;
}

const MAX_SIDECAR_BYTES = 4 * 1024 * 1024;
const MAX_METADATA_BYTES = 512 * 1024 * 1024;
export const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** A sidecar's captions; undefined when there is no such file. Throws what the file system throws, or when it is no caption file. */
export async function readSidecar(path: string): Promise<{ captions: string[]; hash: string; note: string | null } | undefined> {
  let bytes: Buffer;
  try {
    if ((await stat(path)).size > MAX_SIDECAR_BYTES) throw new Error('larger than 4 MB: not a caption');
    bytes = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const { text, note } = decodeText(bytes);
  return { captions: captionLines(text), hash: sha256(bytes), note };
}

/** All metadata files of a scan, ready to be asked for a picture's captions. */
export class CaptionFinder {
  readonly columns = new Set<string>();
  private readonly tables: { folder: string; table: MetadataTable }[] = [];
  private readonly root: string;
  private readonly column: string | null;

  /** `column`: the caption column of metadata files; null: the usual names. */
  constructor(root: string, column: string | null) { this.root = root; this.column = column; }

  /** Reads the metadata files; unreadable ones and bad lines become notes. */
  async load(files: readonly string[], notes: ScanNote[]): Promise<void> {
    for (const file of files) {
      try {
        const path = join(this.root, file);
        if ((await stat(path)).size > MAX_METADATA_BYTES) throw new Error('larger than 512 MB');
        const table = readMetadata(file, await readFile(path));
        if (!table) { notes.push({ file, code: 'not-a-picture', reason: 'JSON, but not kohya\'s metadata' }); continue; }
        for (const c of table.columns) this.columns.add(c);
        for (const problem of table.problems.slice(0, 20)) notes.push({ file, code: 'bad-metadata', reason: problem });
        this.tables.push({ folder: file.split('/').slice(0, -1).join('/'), table });
      } catch (error) {
        notes.push({ file, code: 'bad-metadata', reason: `could not be read: ${(error as Error).message}` });
      }
    }
    this.tables.sort((a, b) => b.folder.length - a.folder.length);
  }

  private row(file: string): { row: MetadataRow; source: MetadataTable['source'] } | undefined {
    for (const { folder, table } of this.tables) {
      if (folder !== '' && !file.startsWith(`${folder}/`)) continue;
      const inside = folder === '' ? file : file.slice(folder.length + 1);
      const stem = inside.replace(/\.[^./]*$/, '');
      const keys = table.source === 'kohya-json' ? [inside, stem, join(this.root, file), join(this.root, file).replace(/\.[^./]*$/, ''), stem.split('/').at(-1)!] : [inside];
      for (const key of keys) { const row = table.rows.get(key); if (row) return { row, source: table.source }; }
    }
    return undefined;
  }

  async find(image: FoundImage): Promise<FoundCaptions> {
    const found = this.row(image.file);
    const row = found?.row ?? null;
    let note: string | null = null;
    if (image.sidecar !== null) {
      try {
        const sidecar = await readSidecar(join(this.root, image.sidecar));
        if (sidecar) return { captions: sidecar.captions, source: 'sidecar', sidecarHash: image.sidecar === image.sidecarTarget ? sidecar.hash : null, note: sidecar.note, row };
      } catch (error) { note = `its caption file could not be read: ${(error as Error).message}`; }
    }
    const fromRow = row && captionsOfRow(row, this.column);
    if (fromRow) return { captions: fromRow, source: found!.source, sidecarHash: null, note, row };
    const { classTokens } = kohyaOf(image.file);
    return classTokens === '' ? { captions: [], source: 'none', sidecarHash: null, note, row } : { captions: [classTokens], source: 'folder', sidecarHash: null, note, row };
  }
}
