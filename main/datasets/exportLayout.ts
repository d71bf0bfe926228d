/** Where an exported picture goes, and what is written beside it: a Hugging Face imagefolder, or kohya's folders. */
import type { Item } from './model.ts';
import { sidecarText } from './sidecars.ts';

export interface ExportFile { path: string; /** the picture's, or text of our own */ item?: Item; text?: string }

const BAD = /[/\\\0\r\n:*?"<>|]/g;

/** Paths that are still free, made so by "-2", "-3" … before the extension; caption files go by stem, so stems must differ. */
class FreeNames {
  private readonly used = new Set<string>();
  take(folder: string, name: string): string {
    const dot = name.lastIndexOf('.');
    const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
    let chosen = stem;
    for (let n = 2; this.used.has(`${folder}/${chosen}`.toLowerCase()); n++) chosen = `${stem}-${n}`;
    this.used.add(`${folder}/${chosen}`.toLowerCase());
    return `${folder}/${chosen}${extension}`;
  }
}

/** https://huggingface.co/docs/datasets/image_dataset: a folder and a metadata.jsonl per split; our own decisions in column "lpl". */
export function imagefolderLayout(items: readonly Item[]): ExportFile[] {
  const files: ExportFile[] = [];
  for (const [split, members] of Map.groupBy(items, (i) => i.split)) {
    const rows: string[] = [];
    for (const item of members) {
      const inside = item.file.replace(/^(train|validation)\//, '');
      files.push({ path: `${split}/${inside}`, item });
      const lpl = { repeats: item.repeats, class_tokens: item.classTokens, prior: item.prior, weight: item.weight, flip: item.flip, crop: item.crop, split };
      rows.push(`${JSON.stringify({ file_name: inside, text: item.captions.join('\n'), lpl })}\n`);
    }
    files.push({ path: `${split}/metadata.jsonl`, text: rows.join('') });
  }
  return files;
}

/** kohya sd-scripts: img/<repeats>_<class tokens>/, reg/ likewise, captions in .txt; the validation split in validation/. */
export function kohyaLayout(items: readonly Item[]): ExportFile[] {
  const names = new FreeNames();
  return items.flatMap((item): ExportFile[] => {
    const top = item.prior ? 'reg' : item.split === 'validation' ? 'validation' : 'img';
    const folder = `${top}/${item.repeats}_${item.classTokens.replace(BAD, ' ').trim()}`;
    const path = names.take(folder, item.file.split('/').at(-1)!.replace(/[\r\n]/g, ' '));
    const text = sidecarText(item.captions);
    const sidecar = `${path.lastIndexOf('.') > folder.length + 1 ? path.slice(0, path.lastIndexOf('.')) : path}.txt`;
    return text === '' ? [{ path, item }] : [{ path, item }, { path: sidecar, text }];
  });
}
