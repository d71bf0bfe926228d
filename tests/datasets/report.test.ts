import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { bucketingSchema } from '../../main/contract/datasetManifest.ts';
import { datasetFlags } from '../../main/contract/datasets.ts';
import { reportFolder, type ReportLine } from '../../main/datasets/cli.ts';
import { cutCaption } from '../../main/datasets/tokens.ts';
import { countWords, openRoom, picture, png, put, tempFolder } from './helpers.ts';

async function report(folder: string, settings: Record<string, unknown> = {}): Promise<Record<string, ReportLine>> {
  const rows: ReportLine[] = [];
  await reportFolder(folder, { bucketing: { resolution: 128, min_bucket_side: 64 }, ...settings }, countWords, { signal: new AbortController().signal, progress: () => {} }, (row) => rows.push(row));
  return Object.fromEntries(rows.map((r) => [r.file, r]));
}

describe('every kind of trouble', () => {
  it('is found and explained in the report', async () => {
    const folder = tempFolder();
    const caption = (name: string, text: string) => put(folder, `${name}.txt`, text);
    put(folder, 'fine.png', await png(1, 160, 160)); caption('fine', 'a fine one');
    put(folder, 'small.png', await png(2, 50, 60)); caption('small', 'a small one');
    put(folder, 'long.png', await png(3, 1000, 140)); caption('long', 'very wide');
    put(folder, 'copy.png', readFileSync(join(folder, 'fine.png'))); caption('copy', 'the same again');
    put(folder, 'near.jpg', await picture(1, 160, 160).jpeg({ quality: 70 }).toBuffer()); caption('near', 'nearly the same');
    put(folder, 'blurred.png', await picture(4, 160, 160).blur(6).png().toBuffer()); caption('blurred', 'out of focus');
    put(folder, 'flat.png', await sharp({ create: { width: 160, height: 160, channels: 3, background: '#336699', noise: { type: 'gaussian', mean: 100, sigma: 1 } } }).png().toBuffer()); caption('flat', 'nothing there');
    put(folder, 'silent.png', await png(5, 160, 160)); caption('silent', ' \n');
    put(folder, 'wordy.png', await png(6, 160, 160)); caption('wordy', 'word '.repeat(80));
    put(folder, 'twin1.png', await png(7, 160, 160)); caption('twin1', 'same words');
    put(folder, 'twin2.png', await png(8, 160, 160)); caption('twin2', 'same words');
    put(folder, 'tags.png', await png(9, 160, 160)); caption('tags', 'cat, dog, Cat');
    put(folder, 'bad.png', 'x');
    const rows = await report(folder);
    expect(Object.fromEntries(Object.entries(rows).map(([f, r]) => [f, r.flags]))).toEqual({
      'bad.png': ['unreadable', 'no-caption'], 'blurred.png': ['blurred'], 'copy.png': ['near-duplicate'], 'fine.png': ['exact-duplicate'], 'flat.png': ['flat'], 'long.png': ['extreme-aspect'], 'near.jpg': ['near-duplicate'],
      'silent.png': ['no-caption'], 'small.png': ['too-small'], 'tags.png': ['duplicate-tags'], 'twin1.png': ['same-caption'], 'twin2.png': ['same-caption'], 'wordy.png': ['caption-too-long'],
    });
    expect(rows['fine.png']).toEqual({ file: 'fine.png', width: 160, height: 160, bucket: [128, 128], crop: [0, 0, 160, 160], caption: 'a fine one', tokens: 3, flags: ['exact-duplicate'], duplicateOf: 'copy.png', reasons: ['the same file as copy.png'] });
    expect(rows['near.jpg']!.duplicateOf).toBe('copy.png');
    expect(rows['long.png']).toMatchObject({ bucket: [256, 64], crop: [220, 0, 560, 140], reasons: [expect.stringContaining('7.1 : 1')] });
    for (const row of Object.values(rows)) { expect(row.reasons).toHaveLength(row.flags.length); for (const f of row.flags) expect(datasetFlags).toContain(f); }
  });

  it('follows its sliders without reading pictures again', async () => {
    const folder = tempFolder();
    for (let i = 0; i < 3; i++) put(folder, `${i}.png`, await picture(i).blur(0.4 + i * 2).png().toBuffer());
    const room = openRoom();
    const { id } = await room.import(folder);
    const sorted = (await room.h['datasets.items']({ id, query: '', sort: 'sharpness', descending: false, offset: 0, limit: 9 })).items;
    expect(sorted.map((i) => i.file)).toEqual(['2.png', '1.png', '0.png']);
    await room.h['datasets.settings']({ id, changes: { sharpness_threshold: (sorted[1]!.sharpness! + sorted[2]!.sharpness!) / 2 } });
    expect((await room.items(id, 'issue:blurred')).map((i) => i.file)).toEqual(['1.png', '2.png']);
    expect((await room.h['datasets.summary']({ id })).flags.blurred).toBe(2);
    expect(() => room.h['datasets.settings']({ id, changes: { flat_threshold: 3 } })).toThrow(expect.objectContaining({ code: 'dataset.settings' }));
  });
});

describe('what training takes', () => {
  it('is counted, and put into buckets, as a run takes it: at the resolution shown, or at the run\'s', async () => {
    const folder = tempFolder();
    for (const [i, side] of [50, 50, 70, 100, 160, 160].entries()) put(folder, `${i}.png`, await png(i, side, side));
    put(folder, 'bad.png', 'x');
    const room = openRoom();
    const { id } = await room.import(folder);
    const ids = await room.h['datasets.ids']({ id, query: '', sort: 'name', descending: false });
    for (const [at, change] of [[0, { kind: 'split', split: 'validation' }], [4, { kind: 'split', split: 'validation' }], [5, { kind: 'exclude', reason: 'x' }]] as const) await room.h['datasets.edit']({ id, target: { ids: [ids[at]!] }, change });
    for (const [resolution, upscale, trained, held_out] of [[64, false, 2, 1], [96, false, 1, 1], [64, true, 3, 2]] as const) {
      const bucketing = bucketingSchema.parse({ resolution, upscale, bucket_step: 8, min_bucket_side: 32 });
      const { items } = room.service.manifestForRun(id, bucketing);
      const taken = { trained, held_out, too_small: 5 - trained - held_out, samples_per_epoch: trained, buckets: [{ width: resolution, height: resolution, pictures: trained, samples: trained, lonely: true }] };
      expect(await room.h['datasets.summary']({ id, bucketing })).toMatchObject(taken); // whatever is shown
      await room.h['datasets.settings']({ id, changes: { bucketing } });
      expect(await room.h['datasets.summary']({ id })).toMatchObject(taken);
      expect([items.filter((i) => i.split === 'train').length, items.filter((i) => i.split === 'validation').length]).toEqual([trained, held_out]);
    }
  });
});

describe('captions over the limit', () => {
  it('are cut where the text encoder stops reading', () => {
    expect(cutCaption('one two  three four', 3, countWords)).toEqual({ read: 'one two  three ', cut: 'four', tokens: 4 });
    expect(cutCaption('one two', 3, countWords)).toEqual({ read: 'one two', cut: '', tokens: 2 });
    expect(cutCaption('a b c', 0, countWords)).toEqual({ read: '', cut: 'a b c', tokens: 3 });
  });
});
