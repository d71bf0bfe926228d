import { existsSync, mkdirSync, readFileSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import yazl from 'yazl';
import { openRoom, png, put, tempFolder } from './helpers.ts';

const bytes = (b: Uint8Array | string): Readable => Readable.from([Buffer.from(b)]);

describe('a drop from a browser', () => {
  it('of a folder becomes a data set in the app\'s own folder, which goes with it', async () => {
    const room = openRoom();
    const { drop } = room.h['datasets.drop']({}) as { drop: string };
    await room.service.receive(drop, 'My pictures/5_cat/a b.png', bytes(await png(1)));
    await room.service.receive(drop, 'My pictures/5_cat/a b.txt', bytes('a cat'));
    const { dataset_id } = await room.h['datasets.import']({ paths: [], drop, settings: {} });
    await room.settled();
    expect(dataset_id).toBe(drop);
    expect(await room.h['datasets.get']({ id: drop })).toMatchObject({ name: 'My pictures', available: true });
    expect(await room.items(drop)).toMatchObject([{ file: '5_cat/a b.png', captions: ['a cat'], repeats: 5 }]);
    await expect(room.service.receive(drop, 'late.png', bytes('x'))).rejects.toMatchObject({ code: 'dataset.drop' });
    await room.h['datasets.delete']({ id: drop });
    expect(readdirSync(join(room.dataFolder, 'datasets'))).not.toContain(drop);
  });

  it('of a zip is unpacked, of loose files keeps them together', async () => {
    const zip = new yazl.ZipFile();
    zip.addBuffer(await png(1), 'x/a.png');
    zip.end();
    const parts: Buffer[] = [];
    for await (const part of zip.outputStream) parts.push(part as Buffer);
    const room = openRoom();
    const open = (): string => (room.h['datasets.drop']({}) as { drop: string }).drop;
    const one = open(), two = open();
    await room.service.receive(one, 'set.zip', bytes(Buffer.concat(parts)));
    await room.h['datasets.import']({ paths: [], drop: one, settings: {} });
    await room.settled();
    expect((await room.items(one)).map((i) => i.file)).toEqual(['x/a.png']);
    await room.service.receive(two, 'a.png', bytes(await png(2)));
    await room.service.receive(two, 'a.txt', bytes('two'));
    await room.h['datasets.import']({ paths: [], drop: two, settings: {} });
    await room.settled();
    expect(await room.items(two)).toMatchObject([{ file: 'a.png', captions: ['two'] }]);
    expect(await room.h['datasets.get']({ id: two })).toMatchObject({ name: 'Dropped pictures' });
  });

  it('writes nothing outside its folder, nothing twice, and nothing half', async () => {
    const room = openRoom();
    const { drop } = room.h['datasets.drop']({}) as { drop: string };
    const refused = { code: 'dataset.drop' };
    for (const path of ['../evil.png', 'a/../../evil.png', '/evil.png', 'C:\\evil.png', 'a//b.png', './a.png', '', 'a\0.png', `${'x'.repeat(256)}.png`]) await expect(room.service.receive(drop, path, bytes('x')), path).rejects.toMatchObject(refused);
    for (const id of ['../x', 'ds_x', '', 'thumbnails']) await expect(room.service.receive(id, 'a.png', bytes('x')), id).rejects.toMatchObject(refused);
    await expect(room.h['datasets.import']({ paths: [], drop, settings: {} })).rejects.toMatchObject(refused);
    await room.service.receive(drop, 'a.png', bytes('first'));
    await expect(room.service.receive(drop, 'a.png', bytes('second'))).rejects.toMatchObject(refused);
    const broken = new Readable({ read() { this.push('half'); this.destroy(new Error('the page was closed')); } });
    await expect(room.service.receive(drop, 'b.png', broken)).rejects.toMatchObject({ code: 'dataset.drop', message: expect.stringContaining('the page was closed') });
    const files = readdirSync(room.dataFolder, { recursive: true }).map(String).filter((f) => f.endsWith('.png'));
    expect(files).toEqual([join('datasets', drop, 'dropped', 'a.png')]);
    expect(readFileSync(join(room.dataFolder, files[0]!), 'utf8')).toBe('first');
  });

  it('that was given up is cleared away a day later, and nothing else is', async () => {
    const data = tempFolder(), folder = join(data, 'datasets');
    for (const id of ['ds_000000000001', 'ds_000000000002', 'ds_000000000003']) put(folder, `${id}/${id.endsWith('3') ? 'files' : 'dropped'}/a.png`, 'x');
    mkdirSync(join(folder, 'thumbnails'), { recursive: true });
    writeFileSync(join(folder, 'thumbnails/a.webp'), 'x');
    const old = Date.now() / 1000 - 2 * 86_400;
    for (const id of ['ds_000000000001', 'ds_000000000003', 'thumbnails']) utimesSync(join(folder, id), old, old);
    openRoom(data);
    expect(readdirSync(folder).sort()).toEqual(['ds_000000000002', 'ds_000000000003', 'thumbnails']);
    expect(existsSync(join(folder, 'ds_000000000002/dropped/a.png'))).toBe(true);
  });
});
