import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { openRoom, png, put, tempFolder } from './helpers.ts';

async function threePictures() {
  const folder = tempFolder(), data = tempFolder();
  for (const [i, name] of ['a', 'b', 'c'].entries()) { put(folder, `${name}.png`, await png(i)); put(folder, `${name}.txt`, `${name}, cat, red hat`); }
  return { folder, data };
}

describe('bulk edits', () => {
  it('add, remove, rename, move and sort tags, prepend a trigger, find and replace', async () => {
    const { folder } = await threePictures();
    const room = openRoom();
    const { id } = await room.import(folder);
    const all = (await room.items(id)).map((i) => i.id);
    const after = async (change: Parameters<typeof room.edit>[2]) => {
      await room.edit(id, all, change);
      const now = (await room.items(id)).map((i) => i.captions[0]);
      if (change.kind === 'trigger') expect(await room.edit(id, all, change)).toMatchObject({ changed: 0 });
      while ((await room.h['datasets.get']({ id })).undo !== null) await room.h['datasets.undo']({ id });
      return now;
    };
    expect(await after({ kind: 'add_tags', tags: ['new', 'Cat'], at: 'end' })).toEqual(['a, cat, red hat, new', 'b, cat, red hat, new', 'c, cat, red hat, new']);
    expect(await after({ kind: 'add_tags', tags: ['new'], at: 'start' })).toEqual(['new, a, cat, red hat', 'new, b, cat, red hat', 'new, c, cat, red hat']);
    expect(await after({ kind: 'remove_tags', tags: ['red_hat', 'b'] })).toEqual(['a, cat', 'cat', 'c, cat']);
    expect(await after({ kind: 'rename_tag', from: 'cat', to: 'feline' })).toEqual(['a, feline, red hat', 'b, feline, red hat', 'c, feline, red hat']);
    expect(await after({ kind: 'move_tags', tags: ['red hat', 'cat'], at: 'start' })).toEqual(['red hat, cat, a', 'red hat, cat, b', 'red hat, cat, c']);
    expect(await after({ kind: 'trigger', text: 'sks' })).toEqual(['sks, a, cat, red hat', 'sks, b, cat, red hat', 'sks, c, cat, red hat']);
    expect(await after({ kind: 'replace', find: '(\\w+) hat', replace: '$1 cap', regex: true, case_sensitive: true })).toEqual(['a, cat, red cap', 'b, cat, red cap', 'c, cat, red cap']);
    expect(await after({ kind: 'replace', find: 'c', replace: '$&', regex: false, case_sensitive: true })).toEqual(['a, $&at, red hat', 'b, $&at, red hat', '$&, $&at, red hat']);
  });

  it('are previewed exactly, and a preview changes nothing', async () => {
    const { folder } = await threePictures();
    const room = openRoom();
    const { id } = await room.import(folder);
    const change = { kind: 'replace' as const, find: '^b', replace: 'B', regex: true, case_sensitive: true };
    const preview = await room.h['datasets.preview']({ id, target: { query: '' }, change, limit: 10 });
    expect(preview).toMatchObject({ changed: 1, items: [{ file: 'b.png', before: ['b, cat, red hat'], after: ['B, cat, red hat'] }] });
    expect((await room.h['datasets.get']({ id })).undo).toBeNull();
    expect(await room.h['datasets.edit']({ id, target: { query: '' }, change })).toMatchObject({ changed: 1, dataset: { undo: 'Replace "^b"', counts: { unsaved: 1 } } });
  });

  it('with an expression that never ends or cannot be read are refused, and nothing changes', async () => {
    const folder = tempFolder();
    put(folder, 'a.png', await png(1));
    put(folder, 'a.txt', `${'a'.repeat(40)}!`);
    const room = openRoom();
    const { id } = await room.import(folder);
    const replace = (find: string) => room.h['datasets.edit']({ id, target: { query: '' }, change: { kind: 'replace', find, replace: 'x', regex: true, case_sensitive: true } });
    await expect(async () => replace('^(a+)+$')).rejects.toMatchObject({ code: 'dataset.regex_slow' });
    await expect(async () => replace('(')).rejects.toMatchObject({ code: 'dataset.regex' });
    expect((await room.h['datasets.get']({ id })).undo).toBeNull();
  });

  it('offer tags by frequency and for completion', async () => {
    const { folder } = await threePictures();
    const room = openRoom();
    const { id } = await room.import(folder);
    expect(await room.h['datasets.tags']({ id, query: '', prefix: '', limit: 2 })).toEqual([{ tag: 'cat', count: 3 }, { tag: 'red hat', count: 3 }]);
    expect((await room.h['datasets.tags']({ id, query: '', prefix: 'c', limit: 9 })).map((t) => t.tag)).toEqual(['cat', 'c']);
  });
});

describe('saving', () => {
  it('writes what was edited and nothing else, leaving no other file', async () => {
    const { folder } = await threePictures();
    const room = openRoom();
    const { id } = await room.import(folder);
    await room.edit(id, [(await room.item(id, 'b.png')).id], { kind: 'captions', captions: ['one', ' two\nlines ', ''] });
    expect(await room.h['datasets.save']({ id })).toMatchObject({ saved: 1, conflicts: 0, dataset: { counts: { unsaved: 0 } } });
    expect(readFileSync(join(folder, 'b.txt'), 'utf8')).toBe('one\ntwo lines\n');
    expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('a, cat, red hat');
    expect(readdirSync(folder).sort()).toEqual(['a.png', 'a.txt', 'b.png', 'b.txt', 'c.png', 'c.txt']);
    expect(room.db.prepare('SELECT path, CAST(bytes AS TEXT) AS text FROM dataset_sidecar_backups').all()).toEqual([{ path: join(folder, 'b.txt'), text: 'b, cat, red hat' }]);
  });

  it('shows what changed on disk meanwhile as a conflict and does not write over it; either side can be kept', async () => {
    const { folder } = await threePictures();
    const room = openRoom();
    const { id } = await room.import(folder);
    const ids = (await room.items(id)).map((i) => i.id);
    await room.edit(id, ids, { kind: 'add_tags', tags: ['mine'], at: 'end' });
    writeFileSync(join(folder, 'a.txt'), 'theirs a');
    rmSync(join(folder, 'b.txt'));
    expect(await room.h['datasets.save']({ id })).toMatchObject({ saved: 1, conflicts: 2 });
    expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('theirs a');
    expect(existsSync(join(folder, 'b.txt'))).toBe(false);
    expect((await room.items(id, 'conflict:yes')).map((i) => [i.captions, i.conflict])).toEqual([[['a, cat, red hat, mine'], ['theirs a']], [['b, cat, red hat, mine'], []]]);
    await room.h['datasets.resolve']({ id, item_id: ids[0]!, keep: 'disk' });
    await room.h['datasets.resolve']({ id, item_id: ids[1]!, keep: 'mine' });
    expect(await room.h['datasets.save']({ id })).toMatchObject({ saved: 1, conflicts: 0 });
    expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('theirs a');
    expect(readFileSync(join(folder, 'b.txt'), 'utf8')).toBe('b, cat, red hat, mine\n');
    await room.h['datasets.undo']({ id });
    expect((await room.items(id))[0]!.captions).toEqual(['a, cat, red hat, mine']);
  });

  it('finds conflicts when the folder is read again, too', async () => {
    const { folder } = await threePictures();
    const room = openRoom();
    const { id } = await room.import(folder);
    await room.edit(id, [(await room.item(id, 'a.png')).id], { kind: 'captions', captions: ['mine'] });
    writeFileSync(join(folder, 'a.txt'), 'theirs');
    writeFileSync(join(folder, 'b.txt'), 'theirs too');
    expect(await room.rescan(id)).toMatchObject({ conflicts: 1 });
    expect(await room.item(id, 'a.png')).toMatchObject({ captions: ['mine'], conflict: ['theirs'] });
    expect(await room.item(id, 'b.png')).toMatchObject({ captions: ['theirs too'], conflict: null, unsaved: false });
  });

  it('happens by itself with autosave, which is off by default', async () => {
    const { folder } = await threePictures();
    const room = openRoom();
    const { id } = await room.import(folder);
    expect((await room.h['datasets.get']({ id })).settings.autosave).toBe(false);
    await room.h['datasets.settings']({ id, changes: { autosave: true } });
    await room.edit(id, [(await room.item(id, 'a.png')).id], { kind: 'captions', captions: ['now'] });
    expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('now\n');
    await room.h['datasets.undo']({ id });
    expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('a, cat, red hat\n');
  });
});

describe('undo', () => {
  it('goes back 150 steps after a restart, and forward again', async () => {
    const { folder, data } = await threePictures();
    const first = openRoom(data);
    const { id } = await first.import(folder);
    const { id: a } = await first.item(id, 'a.png');
    for (let n = 1; n <= 150; n++) await first.edit(id, [a], { kind: 'captions', captions: [`step ${n}`] });
    first.db.close();
    const second = openRoom(data);
    for (let n = 149; n >= 1; n--) { await second.h['datasets.undo']({ id }); if (n % 50 === 0) expect((await second.item(id, 'a.png')).captions).toEqual([`step ${n}`]); }
    await second.h['datasets.undo']({ id });
    expect((await second.item(id, 'a.png'))).toMatchObject({ captions: ['a, cat, red hat'], unsaved: false });
    await expect(async () => second.h['datasets.undo']({ id })).rejects.toMatchObject({ code: 'dataset.nothing_to_undo' });
    for (let n = 1; n <= 150; n++) await second.h['datasets.redo']({ id });
    expect((await second.item(id, 'a.png')).captions).toEqual(['step 150']);
  });

  it('never loses a caption, whatever is edited, undone, redone, saved and restarted', async () => {
    const { folder, data } = await threePictures();
    const setup = openRoom(data);
    const { id } = await setup.import(folder);
    const ids = (await setup.items(id)).map((i) => i.id);
    setup.db.close();
    const caption = fc.string({ unit: 'binary', maxLength: 30 });
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ do: fc.constant('captions' as const), which: fc.subarray([0, 1, 2], { minLength: 1 }), captions: fc.array(caption, { maxLength: 3 }) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('tag' as const), which: fc.subarray([0, 1, 2], { minLength: 1 }), tag: caption.filter((t) => t.trim() !== '') }) },
      { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('undo' as const, 'redo' as const) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('save' as const, 'restart' as const, 'rescan' as const) }) },
    );
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      let room = openRoom(data);
      const state = async () => (await room.items(id)).map((i) => i.captions);
      const past: string[][][] = [], future: string[][][] = [];
      let now = await state();
      for (const s of steps) {
        if (s.do === 'captions' || s.do === 'tag') {
          await room.edit(id, s.which.map((w) => ids[w]!), s.do === 'tag' ? { kind: 'add_tags', tags: [s.tag], at: 'end' } : { kind: 'captions', captions: s.captions });
          const next = await state();
          if (JSON.stringify(next) !== JSON.stringify(now)) { past.push(now); future.length = 0; }
          now = next;
        } else if (s.do === 'undo' && past.length > 0) { await room.h['datasets.undo']({ id }); future.push(now); now = past.pop()!; }
        else if (s.do === 'redo' && future.length > 0) { await room.h['datasets.redo']({ id }); past.push(now); now = future.pop()!; }
        else if (s.do === 'save') { const saved = await room.h['datasets.save']({ id }); expect(saved).toMatchObject({ conflicts: 0, problems: [] }); }
        else if (s.do === 'restart') { room.db.close(); room = openRoom(data); }
        else if (s.do === 'rescan') expect(await room.rescan(id)).toMatchObject({ conflicts: 0, added: 0, missing: 0 });
        expect(await state()).toEqual(now);
      }
      while (past.length > 0) { await room.h['datasets.undo']({ id }); now = past.pop()!; expect(await state()).toEqual(now); }
      room.db.close();
    }), { numRuns: 25 });
  });
});
