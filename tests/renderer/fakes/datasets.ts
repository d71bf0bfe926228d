/** A made-up data set of 400 pictures that can be filtered by a word, edited and undone. */
import { AppError } from '../../../main/contract/errors.ts';
import { datasetSettingsSchema, type Dataset, type DatasetChange, type DatasetFlag, type DatasetItem, type Target } from '../../../main/contract/datasets.ts';
import type { Answers } from './fakeCore.ts';

const subjects = ['a copper kettle on the stove', 'two lemons, blue bowl', 'a wooden spoon', 'a loaf of bread on a board', 'an open window, morning light'];
const sides: readonly [number, number][] = [[1200, 900], [900, 1200], [1024, 1024], [1600, 900], [640, 480]];
const flagsAt = (i: number): DatasetFlag[] => (i % 17 === 3 ? ['blurred'] : i % 23 === 5 ? ['near-duplicate'] : i % 29 === 7 ? ['no-caption'] : i === 12 ? ['unreadable'] : i % 31 === 9 ? ['caption-too-long'] : []);
const reasonOf: Partial<Record<DatasetFlag, string>> = { blurred: 'Blurred: sharpness 12, below 30.', 'near-duplicate': 'Nearly the same as IMG_2041.jpg.', 'no-caption': 'It has no caption.', unreadable: 'The file ends too early (truncated JPEG).', 'caption-too-long': 'The caption has 82 tokens; the text encoders read 75.' };

function item(i: number): DatasetItem {
  const [width, height] = sides[i % sides.length]!;
  const flags = flagsAt(i);
  const broken = flags.includes('unreadable');
  const side = Math.min(width, height);
  return {
    id: i + 1, file: `2026/IMG_${2000 + i}.jpg`, content_hash: 'ab', format: 'jpeg', bytes: 2.4e6, width: broken ? null : width, height: broken ? null : height, orientation: i % 9 === 0 ? 6 : 1, alpha: false, profile: i % 4 === 0 ? 'Display P3' : 'sRGB', animated: false,
    bucket: broken ? null : [Math.round(width / 128) * 64, Math.round(height / 128) * 64], crop: broken ? null : [Math.floor((width - side) / 4), 0, width - Math.floor((width - side) / 2), height], crop_place: null,
    captions: flags.includes('no-caption') ? [] : [subjects[i % subjects.length]!], caption_source: 'txt', caption_note: null, tokens: flags.includes('caption-too-long') ? 82 : 9, unsaved: i % 41 === 0, conflict: null, sharpness: flags.includes('blurred') ? 12 : 180, flatness: 0.1,
    flags, reasons: flags.map((f) => reasonOf[f] ?? f), duplicate_of: null, near_group: null, excluded: broken || i % 37 === 11, excluded_reason: broken ? 'unreadable' : i % 37 === 11 ? 'excluded by hand' : null, repeats: i % 50 === 0 ? 3 : 1, class_tokens: '', prior: false, weight: 1, flip: true, split: i % 10 === 4 ? 'validation' : 'train',
  };
}

export function datasetAnswers(total = 400): Answers {
  let items = Array.from({ length: total }, (_, i) => item(i));
  let settings = datasetSettingsSchema.parse({ favourites: ['morning light', 'still life'] });
  const past: { label: string; items: DatasetItem[] }[] = [];
  const future: { label: string; items: DatasetItem[] }[] = [];
  const set = (): Dataset => ({
    id: 'kitchen', name: 'Kitchen photographs', source: 'folder', origin: '/home/mara/Pictures/kitchen', root: '/home/mara/Pictures/kitchen', settings, created_at: Date.now(), scanned_at: Date.now() - 600_000, available: true, job_id: null, problem: null,
    counts: { pictures: items.length, included: items.filter((p) => !p.excluded).length, excluded: items.filter((p) => p.excluded).length, unreadable: 1, validation: items.filter((p) => !p.excluded && p.split === 'validation').length, unsaved: items.filter((p) => p.unsaved).length, conflicts: 0 },
    undo: past.at(-1)?.label ?? null, redo: future.at(-1)?.label ?? null,
  });
  const find = (query: string): DatasetItem[] => {
    if (query.includes('(') && !query.includes(')')) throw new AppError('dataset.query', 'A bracket is opened and not closed, at character 5.', 'Close it with “)”.', { at: 4 });
    const issue = /^issue:(\S+)$/.exec(query)?.[1];
    const word = (/^(?:tag:)?"(.+)"$/.exec(query)?.[1] ?? query).toLowerCase();
    return items.filter((p) => (issue ? p.flags.includes(issue as DatasetFlag) : query.startsWith('excluded:yes') ? p.excluded : query.includes(':') && !query.startsWith('tag:') ? !p.excluded : `${p.captions.join(' ')} ${p.file}`.toLowerCase().includes(word)));
  };
  const targets = (t: Target): Set<number> => new Set('ids' in t ? t.ids : find(t.query).map((p) => p.id));
  const changed = (p: DatasetItem, c: DatasetChange): DatasetItem => {
    switch (c.kind) {
      case 'captions': return { ...p, captions: c.captions, unsaved: true };
      case 'add_tags': return { ...p, captions: [[...(p.captions[0] ?? '').split(', ').filter(Boolean), ...c.tags].join(', ')], unsaved: true };
      case 'exclude': return { ...p, excluded: true, excluded_reason: c.reason ?? null };
      case 'include': return { ...p, excluded: false, excluded_reason: null };
      case 'replace': return { ...p, captions: p.captions.map((text) => text.replaceAll(c.find, c.replace)), unsaved: true };
      case 'split': return { ...p, split: c.split };
      default: return p;
    }
  };
  const edited = () => ({ changed: 1, dataset: set() });
  const one = (id: number): DatasetItem => items.find((p) => p.id === id)!;
  return {
    'datasets.list': () => [set()], 'datasets.get': () => set(),
    'datasets.import': () => ({ job_id: 'j1', dataset_id: 'kitchen' }),
    'datasets.ids': ({ query = '' }) => find(query).map((p) => p.id),
    'datasets.items': ({ query = '', offset = 0, limit = 200 }) => { const found = find(query); return { total: found.length, items: found.slice(offset, offset + limit) }; },
    'datasets.item': ({ item_id }) => { const p = one(item_id); return { ...p, path: `/home/mara/Pictures/kitchen/${p.file}`, pieces: p.captions.map((text) => ({ read: text, cut: p.flags.includes('caption-too-long') ? ' and a very long list of other things' : '', tokens: p.tokens ?? 0 })) }; },
    'datasets.summary': () => ({
      flags: Object.fromEntries(['unreadable', 'too-small', 'extreme-aspect', 'exact-duplicate', 'near-duplicate', 'blurred', 'flat', 'no-caption', 'caption-too-long', 'same-caption', 'duplicate-tags'].map((f) => [f, items.filter((p) => p.flags.includes(f as DatasetFlag)).length])) as Record<DatasetFlag, number>,
      buckets: [{ width: 576, height: 448, pictures: 160, samples: 160, lonely: false }, { width: 512, height: 512, pictures: 80, samples: 80, lonely: false }, { width: 832, height: 448, pictures: 2, samples: 2, lonely: true }], folders: [{ folder: '2026', pictures: items.length, repeats: 1, class_tokens: null, prior: false }],
      notes: [{ file: 'notes.docx', code: 'not-a-picture', reason: 'It is not a picture.' }], samples_per_epoch: 408, too_small: 0, trained: set().counts.included - set().counts.validation, held_out: set().counts.validation, fits: 1024, columns: [], formats: [{ format: 'jpeg', pictures: items.length }],
    }),
    'datasets.tags': ({ prefix = '' }) => [['two lemons', 80], ['blue bowl', 80], ['an open window', 80], ['morning light', 80]].map(([tag, n]) => ({ tag: String(tag), count: Number(n) })).filter((t) => t.tag.startsWith(prefix)),
    'datasets.groups': () => [{ keep: 6, items: [6, 29] }, { keep: 52, items: [52, 75, 98] }].map((g) => ({ ...g, about: g.items.map((i) => { const { file, width, height, excluded } = one(i); return { file, width: width!, height: height!, excluded }; }) })),
    'datasets.preview': ({ target, change }) => { const ids = targets(target); const list = items.filter((p) => ids.has(p.id)).map((p) => ({ id: p.id, file: p.file, before: p.captions, after: changed(p, change as DatasetChange).captions })).filter((p) => p.before.join() !== p.after.join()); return { changed: list.length, items: list.slice(0, 100) }; },
    'datasets.edit': ({ target, change }) => {
      const ids = targets(target);
      past.push({ label: change.kind, items });
      future.length = 0;
      items = items.map((p) => (ids.has(p.id) ? changed(p, change as DatasetChange) : p));
      return edited();
    },
    'datasets.undo': () => { const last = past.pop(); if (last) { future.push({ label: last.label, items }); items = last.items; } return edited(); },
    'datasets.redo': () => { const next = future.pop(); if (next) { past.push({ label: next.label, items }); items = next.items; } return edited(); },
    'datasets.save': () => { items = items.map((p) => ({ ...p, unsaved: false })); return { saved: 1, conflicts: 0, problems: [], dataset: set() }; },
    'datasets.settings': ({ changes }) => { settings = datasetSettingsSchema.parse({ ...settings, ...changes }); return set(); },
    'datasets.history': () => past.map((p) => ({ label: p.label, at: Date.now(), pictures: 1, undone: false })), 'datasets.versions': () => [{ id: 'dsv_1', dataset_id: 'kitchen', number: 1, name: 'Before the dinner', hash: 'a81f3c77d09e4b', items: items.length, created_at: Date.now() - 86_400_000 }],
    'datasets.version': ({ offset = 0, limit = 200 }) => ({ total: items.length, items: items.slice(offset, offset + limit) }),
    'datasets.roundtrip': () => ({ job_id: 'j2' }),
    'datasets.split': () => ({ ...edited(), train: 360, validation: 40 }),
  };
}
