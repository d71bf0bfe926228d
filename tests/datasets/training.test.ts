import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { bucketingSchema, datasetManifestSchema } from '../../main/contract/datasetManifest.ts';
import { bucketSizes, centreCrop, nearestBucket } from '../../main/contract/buckets.ts';
import { cropAt } from '../../main/datasets/buckets.ts';
import { openRoom, png, put, tempFolder } from './helpers.ts';

const small = bucketingSchema.parse({ resolution: 64, bucket_step: 8, min_bucket_side: 32, max_bucket_side: 128 });

async function curated() {
  const folder = tempFolder();
  put(folder, '3_sks dog/a.png', await png(1, 120, 80));
  put(folder, '3_sks dog/a.txt', 'one\ntwo');
  put(folder, '3_sks dog/b.png', await png(2, 80, 120));
  put(folder, 'reg/2_dog/c.png', await png(3));
  put(folder, 'other/a.png', await png(4));
  put(folder, 'other/line\n"q" é.png', await png(5));
  put(folder, 'other/line\n"q" é.txt', 'quoted "caption", ünïcode');
  put(folder, 'out.png', await png(6));
  put(folder, 'tiny.png', await png(7, 20, 20));
  put(folder, 'broken.png', 'x');
  const room = openRoom();
  const { id } = await room.import(folder);
  const of = async (file: string) => (await room.item(id, file)).id;
  await room.edit(id, [await of('out.png')], { kind: 'exclude', reason: 'ugly' });
  await room.edit(id, [await of('3_sks dog/a.png')], { kind: 'crop', place: { cx: 0, cy: 0 } });
  await room.edit(id, [await of('other/a.png')], { kind: 'weight', weight: 0.5 });
  await room.edit(id, [await of('other/a.png')], { kind: 'flip', flip: false });
  await room.edit(id, [await of('3_sks dog/b.png')], { kind: 'split', split: 'validation' });
  return { folder, room, id };
}
const comparable = async (room: ReturnType<typeof openRoom>, id: string) => (await room.items(id, 'excluded:no -issue:unreadable')).map(({ content_hash, captions, repeats, class_tokens, prior, weight, flip, crop_place, split, bucket, crop }) => ({ content_hash, captions, repeats, class_tokens, prior, weight, flip, crop_place, split, bucket, crop })).sort((a, b) => (a.content_hash! < b.content_hash! ? -1 : 1));

describe('what training is given', () => {
  it('holds every included picture with crop, captions, repeats and split, and says why the others are left out', async () => {
    const { folder, room, id } = await curated();
    const manifest = datasetManifestSchema.parse(room.service.manifestForRun(id, small));
    expect(manifest.left_out).toEqual([{ name: 'broken.png', reason: expect.stringContaining('no picture format') }, { name: 'out.png', reason: 'ugly' }, { name: 'tiny.png', reason: expect.stringContaining('smaller than its bucket') }]);
    expect(manifest.items.map((i) => i.name)).toEqual(['3_sks dog/a.png', '3_sks dog/b.png', 'other/a.png', 'other/line\n"q" é.png', 'reg/2_dog/c.png']);
    expect(manifest.items[0]).toMatchObject({ file: join(folder, '3_sks dog/a.png'), captions: ['one', 'two'], repeats: 3, bucket: [80, 48], crop: [0, 0, 120, 72], cropFixed: true, split: 'train', prior: false });
    expect(manifest.items[1]).toMatchObject({ captions: ['sks dog'], split: 'validation', cropFixed: false });
    expect(manifest.items[2]).toMatchObject({ weight: 0.5, flip: false });
    expect(manifest.items[4]).toMatchObject({ prior: true, repeats: 2 });
    expect(room.service.manifestForRun(id, { ...small, upscale: true }).items.map((i) => i.name)).toContain('tiny.png');
  });

  it('uses the same buckets and crops as the engine does for plain folders', () => {
    fc.assert(fc.property(fc.integer({ min: 16, max: 4_000 }), fc.integer({ min: 16, max: 4_000 }), fc.constantFrom(512, 768, 1024), fc.boolean(), (width, height, resolution, buckets) => {
      const o = bucketingSchema.parse({ resolution, buckets });
      expect(bucketSizes(o)).toEqual(bucketSizes(o, 64));
      const bucket = nearestBucket({ width, height }, bucketSizes(o));
      expect(bucket).toEqual(nearestBucket({ width, height }, bucketSizes(o, 64)));
      expect(cropAt({ width, height }, bucket, null)).toEqual(centreCrop({ width, height }, bucket));
      const [x, y, w, h] = cropAt({ width, height }, bucket, { cx: 0.99, cy: 0.01 });
      expect(x >= 0 && y >= 0 && x + w <= width && y + h <= height).toBe(true);
    }));
  });

  it('comes with a version that can be opened again exactly, whatever happens to the data set', async () => {
    const { room, id } = await curated();
    const before = room.service.manifestForRun(id, small);
    const [version] = await room.h['datasets.versions']({ id });
    expect(before.dataset).toMatchObject({ versionId: version!.id, versionNumber: 1, hash: version!.hash });
    expect(await room.h['datasets.snapshot']({ id, name: '' })).toEqual(version);
    const then = await room.h['datasets.version']({ version_id: version!.id, offset: 0, limit: 100 });
    await room.h['datasets.edit']({ id, target: { query: '' }, change: { kind: 'captions', captions: ['spoiled'] } });
    await room.h['datasets.edit']({ id, target: { query: 'prior:no' }, change: { kind: 'exclude', reason: 'all' } });
    expect(() => room.service.manifestForRun(id, small)).toThrow(expect.objectContaining({ code: 'dataset.empty' }));
    expect(room.service.manifestForRun(id, small, version!.id)).toEqual(before);
    expect(await room.h['datasets.version']({ version_id: version!.id, offset: 0, limit: 100 })).toEqual(then);
    await room.h['datasets.restore']({ version_id: version!.id });
    const restored = room.service.manifestForRun(id, small);
    expect(restored.items).toEqual(before.items);
    expect(restored.dataset.hash).toBe(version!.hash);
    await room.h['datasets.undo']({ id });
    expect((await room.items(id, 'excluded:no')).every((i) => i.prior)).toBe(true);
  });
});

describe('export', () => {
  it.each([false, true])('as imagefolder (zip: %s) comes back through the import unchanged', async (zip) => {
    const { room, id } = await curated();
    const target = join(tempFolder(), zip ? 'set.zip' : 'set');
    await room.h['datasets.export']({ id, format: 'imagefolder', zip, target });
    expect(await room.settled()).toMatchObject({ pictures: 6, problems: [] });
    const again = openRoom();
    const imported = await again.import(target);
    expect(await comparable(again, imported.id)).toEqual(await comparable(room, id));
    const twice = join(tempFolder(), 'twice');
    await again.h['datasets.export']({ id: imported.id, format: 'imagefolder', zip: false, target: twice });
    await again.settled();
    expect(readdirSync(join(twice, 'train'), { recursive: true }).sort()).toEqual(expect.arrayContaining(['metadata.jsonl', join('other', 'a.png')]));
  });

  it('as kohya folders comes back with captions, repeats, class words, regularisation and split', async () => {
    const { room, id } = await curated();
    const target = join(tempFolder(), 'kohya');
    await room.h['datasets.export']({ id, format: 'kohya', zip: false, target });
    await room.settled();
    expect(readdirSync(target, { recursive: true }).filter((f) => String(f).endsWith('.png')).map(String).sort()).toEqual(['img/1_/a.png', 'img/1_/line  q  é.png', 'img/1_/tiny.png', 'img/3_sks dog/a.png', 'reg/2_dog/c.png', 'validation/3_sks dog/b.png'].map((f) => f.replace('line  q ', 'line "q"')));
    const again = openRoom();
    const imported = await again.import(target);
    const strip = (rows: Awaited<ReturnType<typeof comparable>>) => rows.map(({ weight: _w, flip: _f, crop_place: _p, crop: _c, ...rest }) => rest);
    expect(strip(await comparable(again, imported.id))).toEqual(strip(await comparable(room, id)));
  });

  it('writes over nothing, leaves nothing half-done, and copies byte for byte', async () => {
    const { folder, room, id } = await curated();
    const target = tempFolder();
    writeFileSync(join(target, 'mine.txt'), 'precious');
    await room.h['datasets.export']({ id, format: 'imagefolder', zip: false, target });
    await expect(room.settled()).rejects.toMatchObject({ code: 'dataset.export_target' });
    expect(readdirSync(target)).toEqual(['mine.txt']);
    const fresh = join(tempFolder(), 'out');
    writeFileSync(join(folder, 'other/a.png'), 'changed behind our back');
    await room.h['datasets.export']({ id, format: 'imagefolder', zip: false, target: fresh });
    expect(await room.settled()).toMatchObject({ pictures: 5, problems: [{ file: 'other/a.png', code: 'changed' }] });
    expect(readFileSync(join(fresh, 'train/3_sks dog/a.png')).equals(readFileSync(join(folder, '3_sks dog/a.png')))).toBe(true);
    const { exportItems } = await import('../../main/datasets/exportSet.ts');
    const { createItemStore } = await import('../../main/datasets/storeItems.ts');
    const abort = new AbortController(), parent = tempFolder();
    mkdirSync(join(parent, 'empty'));
    const cancelled = exportItems(folder, createItemStore(room.db).all(id), { format: 'imagefolder', zip: false, target: join(parent, 'empty') }, { signal: abort.signal, progress: (text) => { if (text === 'Copying pictures') abort.abort(); } });
    await expect(cancelled).rejects.toThrow();
    expect(readdirSync(parent)).toEqual(['empty']);
    expect(existsSync(join(parent, 'empty/train'))).toBe(false);
  });
});
