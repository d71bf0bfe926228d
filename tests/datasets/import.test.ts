import { copyFileSync, mkdirSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRoom, picture, png, put, tempFolder } from './helpers.ts';

describe('captions', () => {
  it('come from sidecars, line by line as alternatives, before anything else', async () => {
    const folder = tempFolder();
    put(folder, 'a.png', await png(1));
    put(folder, 'a.txt', 'one cat\r\n\r\n  two cats \n');
    put(folder, 'b.png', await png(2));
    put(folder, 'b.caption', 'a dog');
    put(folder, 'metadata.jsonl', `${JSON.stringify({ file_name: 'a.png', text: 'from metadata' })}\nnot json\n`);
    const room = openRoom();
    const { id } = await room.import(folder);
    expect((await room.item(id, 'a.png')).captions).toEqual(['one cat', 'two cats']);
    expect((await room.item(id, 'b.png'))).toMatchObject({ captions: ['a dog'], caption_source: 'sidecar', tokens: 2 });
    expect(room.notes(id)).toContainEqual({ file: 'metadata.jsonl', code: 'bad-metadata', reason: 'line 2 is not JSON' });
  });

  it('come from metadata.jsonl and metadata.csv of any folder above, from the column that was picked', async () => {
    const folder = tempFolder();
    for (const [file, seed] of [['train/x.png', 1], ['train/deep/y.png', 2], ['val/z.png', 3]] as const) put(folder, file, await png(seed));
    put(folder, 'train/metadata.jsonl', `${JSON.stringify({ file_name: 'x.png', text: 'short', long: 'a long one' })}\n${JSON.stringify({ file_name: 'deep/y.png', text: 'deep', long: 'deep and long' })}\n`);
    put(folder, 'val/metadata.csv', 'file_name,text,long\nz.png,"said ""hi"", once","with\nbreak"\n');
    const room = openRoom();
    const { id } = await room.import(folder);
    expect((await room.items(id)).map((i) => i.captions)).toEqual([['deep'], ['short'], ['said "hi", once']]);
    expect((await room.h['datasets.summary']({ id })).columns).toEqual(['long', 'text']);
    const picked = await room.import(folder, { caption_column: 'long' });
    expect((await room.items(picked.id)).map((i) => i.captions)).toEqual([['deep and long'], ['a long one'], ['with', 'break']]);
  });

  it('come from kohya folders and kohya metadata; a folder whose name does not parse is an ordinary one', async () => {
    const folder = tempFolder();
    put(folder, '10_sks dog/a.png', await png(1));
    put(folder, 'dogs_10/b.png', await png(2));
    put(folder, 'reg/3_dog/c.png', await png(3));
    put(folder, 'd.png', await png(4));
    put(folder, 'meta_cap.json', JSON.stringify({ d: { caption: 'four', tags: 'x, y' } }));
    const room = openRoom();
    const { id } = await room.import(folder);
    expect(await room.item(id, '10_sks dog/a.png')).toMatchObject({ repeats: 10, class_tokens: 'sks dog', captions: ['sks dog'], caption_source: 'folder', prior: false });
    expect(await room.item(id, 'dogs_10/b.png')).toMatchObject({ repeats: 1, class_tokens: '', captions: [], flags: ['no-caption'] });
    expect(await room.item(id, 'reg/3_dog/c.png')).toMatchObject({ repeats: 3, class_tokens: 'dog', prior: true });
    expect(await room.item(id, 'd.png')).toMatchObject({ captions: ['four, x, y'], caption_source: 'kohya-json' });
    const { ids } = { ids: [(await room.item(id, '10_sks dog/a.png')).id] };
    await room.edit(id, ids, { kind: 'class_tokens', text: 'zwx dog' });
    expect(await room.item(id, '10_sks dog/a.png')).toMatchObject({ class_tokens: 'zwx dog', captions: ['zwx dog'] });
  });

  it('of two pictures with one stem share the sidecar, and are saved to files of their own', async () => {
    const folder = tempFolder();
    put(folder, 'a.png', await png(1));
    put(folder, 'a.jpg', await picture(2).jpeg().toBuffer());
    put(folder, 'a.txt', 'shared');
    const room = openRoom();
    const { id } = await room.import(folder);
    const { id: jpg } = await room.item(id, 'a.jpg');
    await room.edit(id, [jpg], { kind: 'captions', captions: ['only the jpeg'] });
    await room.h['datasets.save']({ id });
    expect(readFileSync(join(folder, 'a.jpg.txt'), 'utf8')).toBe('only the jpeg\n');
    expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('shared');
    await room.rescan(id);
    expect((await room.items(id)).map((i) => [i.file, i.captions, i.unsaved])).toEqual([['a.jpg', ['only the jpeg'], false], ['a.png', ['shared'], false]]);
  });
});

describe('a folder read again', () => {
  it('probes only what changed, keeps decisions about what is gone, and takes captions from disk as an undoable step', async () => {
    const folder = tempFolder();
    for (const [file, seed] of [['a.png', 1], ['b.png', 2], ['c.png', 3]] as const) put(folder, file, await png(seed));
    put(folder, 'a.txt', 'old');
    const room = openRoom();
    const { id } = await room.import(folder);
    await room.edit(id, [(await room.item(id, 'c.png')).id], { kind: 'exclude', reason: 'ugly' });
    put(folder, 'a.txt', 'new');
    rmSync(join(folder, 'c.png'));
    put(folder, 'd.png', await png(4));
    expect(await room.rescan(id)).toMatchObject({ pictures: 4, added: 1, missing: 1 });
    expect((await room.item(id, 'a.png')).captions).toEqual(['new']);
    expect(await room.item(id, 'c.png')).toMatchObject({ excluded: true, excluded_reason: 'ugly', flags: ['unreadable', 'no-caption'], reasons: ['the file is no longer in the folder', expect.any(String)] });
    await room.h['datasets.undo']({ id });
    expect((await room.item(id, 'a.png'))).toMatchObject({ captions: ['old'], unsaved: true });
    put(folder, 'c.png', await png(3));
    await room.rescan(id);
    expect(await room.item(id, 'c.png')).toMatchObject({ excluded: true, width: 96 });
  });

  it('opens again from the database alone', async () => {
    const folder = tempFolder(), data = tempFolder();
    put(folder, 'a.png', await png(1));
    const first = openRoom(data);
    const { id } = await first.import(folder);
    first.db.close();
    const second = openRoom(data);
    expect(await second.items(id)).toHaveLength(1);
    expect((await second.service.media('thumb', (await second.items(id))[0]!.id)).file).toMatch(/\.webp$/);
  });
});

describe('a folder that moved', () => {
  it('is found by content, whatever its files are called now, with all decisions', async () => {
    const home = tempFolder(), folder = join(home, 'before'), moved = join(home, 'after');
    for (const [file, seed] of [['x/a.png', 1], ['x/b.png', 2], ['c.png', 3]] as const) put(folder, file, await png(seed));
    const room = openRoom();
    const { id } = await room.import(folder);
    const { id: a } = await room.item(id, 'x/a.png');
    await room.edit(id, [a], { kind: 'captions', captions: ['mine'] });
    mkdirSync(join(moved, 'y'), { recursive: true });
    copyFileSync(join(folder, 'x/a.png'), join(moved, 'y/b.png'));
    copyFileSync(join(folder, 'x/b.png'), join(moved, 'y/a.png'));
    rmSync(folder, { recursive: true });
    expect((await room.h['datasets.get']({ id })).available).toBe(false);
    await room.h['datasets.relocate']({ id, path: moved });
    await room.settled();
    expect((await room.items(id)).map((i) => [i.file, i.captions, i.width])).toEqual([['c.png', [], null], ['y/a.png', [], 96], ['y/b.png', ['mine'], 96]]);
    expect((await room.items(id)).find((i) => i.file === 'y/b.png')!.id).toBe(a);
    await room.h['datasets.relocate']({ id, path: tempFolder() });
    await expect(room.settled()).rejects.toMatchObject({ code: 'dataset.not_there' });
  });
});

describe('sources', () => {
  it('may be single pictures from several places, or pictures and folders together', async () => {
    const home = tempFolder();
    for (const [file, seed] of [['one/a.png', 1], ['one/other.png', 2], ['two/b.png', 3], ['two/deep/c.png', 4]] as const) put(home, file, await png(seed));
    put(home, 'one/a.txt', 'a');
    const room = openRoom();
    const { id } = await room.import([join(home, 'one/a.png'), join(home, 'two')]);
    expect((await room.items(id)).map((i) => [i.file, i.captions])).toEqual([['one/a.png', ['a']], ['two/b.png', []], ['two/deep/c.png', []]]);
    await expect(room.import(join(home, 'nowhere'))).rejects.toMatchObject({ code: 'dataset.path' });
  });

  it('leave the folder as it was', async () => {
    const folder = tempFolder();
    put(folder, 'a.png', await png(1));
    utimesSync(join(folder, 'a.png'), 1, 1);
    const before = readFileSync(join(folder, 'a.png'));
    const room = openRoom();
    const { id } = await room.import(folder);
    await room.h['datasets.delete']({ id });
    expect(readFileSync(join(folder, 'a.png')).equals(before)).toBe(true);
    expect(await room.h['datasets.list']({})).toEqual([]);
  });

  it('cancelled half-way keep what was read and go on from there', async () => {
    const folder = tempFolder();
    for (let i = 0; i < 6; i++) put(folder, `${i}.png`, await png(i));
    const { importSource } = await import('../../main/datasets/importer.ts');
    const { createDatasetContext } = await import('../../main/datasets/context.ts');
    const room = openRoom();
    const { id } = await room.import(join(folder, '0.png'));
    const context = createDatasetContext(room.db, room.dataFolder, null);
    const abort = new AbortController();
    const row = { ...context.store.get(id), source: 'folder' as const, origin: folder };
    const work = { signal: abort.signal, progress: (text: string, done: number) => { if (text === 'Reading pictures' && done === 3) abort.abort(); } };
    await expect(importSource(context, row, work)).rejects.toThrow();
    const kept = context.items.all(id).length;
    expect(kept).toBeGreaterThanOrEqual(3);
    expect(kept).toBeLessThan(6);
    await importSource(context, row, { signal: new AbortController().signal, progress: () => {} });
    expect(context.items.all(id)).toHaveLength(6);
  });
});
