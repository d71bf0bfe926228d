import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import yazl from 'yazl';
import { scanFolder } from '../../main/datasets/scan.ts';
import { decodeText } from '../../main/datasets/textDecode.ts';
import { unpackZip, unsafeName } from '../../main/datasets/zipImport.ts';
import { openRoom, picture, png, put, tempFolder } from './helpers.ts';

/** A valid PNG of one colour with any size: 1 bit a pixel. */
function hugePng(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => { const body = Buffer.concat([Buffer.from(type), data]), out = Buffer.alloc(body.length + 8); out.writeUInt32BE(data.length); body.copy(out, 4); out.writeUInt32BE(crc32(body), body.length + 4); return out; };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0); header.writeUInt32BE(height, 4); header[8] = 1;
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', header), chunk('IDAT', deflateSync(Buffer.alloc(height * (Math.ceil(width / 8) + 1)), { level: 1 })), chunk('IEND', Buffer.alloc(0))]);
}

const half = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length / 2);

describe('pictures that cannot be used', () => {
  it('are listed with a reason each, and do not stop the import', async () => {
    const folder = tempFolder();
    put(folder, 'good.png', await png(1));
    put(folder, 'truncated.jpg', half(await picture(2).jpeg().toBuffer()));
    put(folder, 'truncated.png', half(await png(3)));
    put(folder, 'zero.png', '');
    put(folder, 'bomb.png', hugePng(30_000, 30_000));
    put(folder, 'text.png', 'not a picture at all');
    put(folder, 'photo.heic', Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypheic\0\0\0\0heicmif1')]));
    const room = openRoom();
    const { id, result } = await room.import(folder);
    expect(result).toMatchObject({ pictures: 7, problems: 6 });
    const reasons = Object.fromEntries((await room.items(id, 'issue:unreadable')).map((i) => [i.file, i.reasons[0]]));
    expect(reasons).toEqual({
      'bomb.png': 'more than 256 million pixels: refused before decoding', 'photo.heic': expect.stringContaining('HEVC'), 'text.png': expect.stringContaining('no picture format'),
      'truncated.jpg': expect.stringContaining('cut off'), 'truncated.png': expect.stringMatching(/cut off|cannot be decoded/), 'zero.png': 'the file is empty (0 bytes)',
    });
    expect(room.service.manifestForRun(id, { resolution: 64, buckets: true, bucket_step: 8, min_bucket_side: 32, max_bucket_side: 128, upscale: false }).left_out).toHaveLength(6);
  });

  it('but wrong extensions and missing ones do not matter', async () => {
    const folder = tempFolder();
    put(folder, 'png named.jpg', await png(1));
    put(folder, 'no extension', await picture(2).webp().toBuffer());
    put(folder, 'gif named.txt.gif', await picture(3).gif().toBuffer());
    put(folder, 'a.tiff', await picture(4).tiff().toBuffer());
    put(folder, 'a.avif', await picture(5).avif({ effort: 0 }).toBuffer());
    const room = openRoom();
    const { id } = await room.import(folder);
    expect((await room.items(id)).map((i) => [i.file, i.format])).toEqual([['a.avif', 'avif'], ['a.tiff', 'tiff'], ['gif named.txt.gif', 'gif'], ['no extension', 'webp'], ['png named.jpg', 'png']]);
  });
});

describe('names', () => {
  it('with spaces, quotes, emoji, newlines and 250 bytes work, sidecars included', async () => {
    const folder = tempFolder();
    const names = ['a b.png', `it's "q".png`, '🙂é.png', 'line\nbreak.png', `${'x'.repeat(246)}.png`, '-rf.png', '$(HOME)%s.png', 'ünï\u0301.png'];
    for (const [i, name] of names.entries()) { put(folder, name, await png(i)); put(folder, `${name.slice(0, -4)}.txt`, `caption ${i}`); }
    const room = openRoom();
    const { id } = await room.import(folder);
    const items = await room.items(id);
    expect(items.map((i) => i.file).sort()).toEqual([...names].sort());
    expect(items.every((i) => i.captions[0] === `caption ${names.indexOf(i.file)}`)).toBe(true);
    await room.edit(id, items.map((i) => i.id), { kind: 'add_tags', tags: ['t'], at: 'end' });
    expect(await room.h['datasets.save']({ id })).toMatchObject({ saved: names.length, problems: [] });
    expect(readdirSync(folder)).toHaveLength(2 * names.length);
  });

  it.runIf(process.platform === 'linux')('that are not UTF-8 are listed', async () => {
    const folder = tempFolder();
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/bad`), Buffer.from([0xff, 0xfe]), Buffer.from('.png')]), await png(1));
    expect((await scanFolder(folder)).notes).toMatchObject([{ code: 'name-encoding' }]);
  });
});

describe('folders', () => {
  it('linked in a circle are read once; broken links are listed', async () => {
    const folder = tempFolder();
    put(folder, 'deep/a.png', await png(1));
    symlinkSync('..', join(folder, 'deep/up'));
    symlinkSync('self', join(folder, 'self'));
    symlinkSync('nowhere.png', join(folder, 'broken.png'));
    const { images, notes } = await scanFolder(folder);
    expect(images.map((i) => i.file)).toEqual(['deep/a.png']);
    expect(Object.fromEntries(notes.map((n) => [n.file, n.code]))).toEqual({ 'deep/up': 'symlink-loop', self: 'unreadable', 'broken.png': 'unreadable' });
  });

  it('that vanish while being read are a note, or an error that says what to do', async () => {
    const folder = tempFolder();
    put(folder, 'a/a.png', await png(1));
    put(folder, 'b/b.png', await png(2));
    const scan = await scanFolder(folder, { progress: (n) => { if (n === 1) rmSync(join(folder, 'b'), { recursive: true, force: true }); } });
    expect(scan.images.map((i) => i.file)).toEqual(['a/a.png']);
    expect(scan.notes).toEqual([{ file: 'b', code: 'unreadable-folder', reason: expect.stringContaining('disappeared') }]);
    const room = openRoom();
    const { id } = await room.import(folder);
    rmSync(folder, { recursive: true });
    await room.h['datasets.rescan']({ id });
    await expect(room.settled()).rejects.toMatchObject({ code: 'dataset.gone', hint: expect.stringContaining('moved') });
    expect(await room.items(id)).toHaveLength(1);
  });

  it('that are read-only are imported; saving says so and keeps the edit', async () => {
    const folder = tempFolder();
    put(folder, 'a.png', await png(1));
    const script = join(tempFolder(), 'save.mjs');
    writeFileSync(script, `import { writeSidecar } from ${JSON.stringify(join(import.meta.dirname, '../../main/datasets/sidecars.ts'))};\nconsole.log(JSON.stringify(await writeSidecar(${JSON.stringify(join(folder, 'a.txt'))}, ['x'], null, () => {})));`);
    chmodSync(dirname(script), 0o755);
    chmodSync(folder, 0o555);
    const asRoot = process.getuid?.() === 0;
    if (asRoot) chownSync(folder, 0, 0);
    const run = spawnSync(process.execPath, [script], { encoding: 'utf8', ...(asRoot ? { uid: 65_534, gid: 65_534 } : {}) });
    chmodSync(folder, 0o755);
    expect(JSON.parse(run.stdout)).toEqual({ kind: 'problem', code: 'EACCES', reason: 'not saved: the folder may not be written to' });
    expect(existsSync(join(folder, 'a.txt'))).toBe(false);
  });

  it('with something else in a sidecar\'s place: the edit stays, with the reason', async () => {
    const folder = tempFolder();
    put(folder, 'a.png', await png(1));
    mkdirSync(join(folder, 'a.txt'));
    const room = openRoom();
    const { id } = await room.import(folder);
    await room.edit(id, [(await room.items(id))[0]!.id], { kind: 'captions', captions: ['kept'] });
    expect(await room.h['datasets.save']({ id })).toMatchObject({ saved: 0, problems: [{ file: 'a.txt', code: 'EISDIR' }] });
    expect((await room.items(id))[0]).toMatchObject({ captions: ['kept'], unsaved: true });
  });
});

describe('caption files', () => {
  it('in UTF-16, with and without mark, in broken UTF-8 and with a byte order mark', async () => {
    const folder = tempFolder();
    const utf16 = Buffer.from('ein Löwe', 'utf16le');
    const cases: [string, Buffer, string, string | null][] = [
      ['le', Buffer.concat([Buffer.from([0xff, 0xfe]), utf16]), 'ein Löwe', 'read as UTF-16'], ['be', Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(utf16).swap16()]), 'ein Löwe', 'read as UTF-16'],
      ['bare', utf16, 'ein Löwe', 'read as UTF-16'], ['latin', Buffer.from('ein L\xf6we', 'latin1'), 'ein Löwe', expect.stringContaining('not valid UTF-8') as unknown as string], ['bom', Buffer.from('\ufeffein Löwe'), 'ein Löwe', null],
    ];
    for (const [i, [name, bytes]] of cases.entries()) { put(folder, `${name}.png`, await png(i)); put(folder, `${name}.txt`, bytes); }
    const room = openRoom();
    const { id } = await room.import(folder);
    for (const [name, , text, note] of cases) expect(await room.item(id, `${name}.png`)).toMatchObject({ captions: [text], caption_note: note });
    expect(decodeText(Buffer.from([0xc3, 0x28])).text).toBe('Ã(');
  });
});

async function zipOf(entries: [string, Buffer][], change: (zip: Buffer) => Buffer = (z) => z): Promise<string> {
  const zip = new yazl.ZipFile();
  for (const [name, bytes] of entries) zip.addBuffer(bytes, name);
  zip.end();
  const parts: Buffer[] = [];
  for await (const part of zip.outputStream) parts.push(part as Buffer);
  const path = join(tempFolder(), 'set.zip');
  writeFileSync(path, change(Buffer.concat(parts)));
  return path;
}
const renamed = (from: string, to: string) => (zip: Buffer): Buffer => Buffer.from(zip.toString('latin1').replaceAll(from, to), 'latin1');

describe('zips', () => {
  it('are unpacked into the app\'s folder, and are a data set like any other', async () => {
    const zip = await zipOf([['10_cat/a.png', await png(1)], ['10_cat/a.txt', Buffer.from('a cat')]]);
    const room = openRoom();
    const { id } = await room.import(zip);
    expect(await room.items(id)).toMatchObject([{ file: '10_cat/a.png', captions: ['a cat'], repeats: 10 }]);
    expect((await room.h['datasets.get']({ id })).root.startsWith(room.dataFolder)).toBe(true);
    expect(await room.rescan(id)).toMatchObject({ pictures: 1, added: 0, missing: 0 });
  });

  it('with names that lead out write nothing outside', async () => {
    const bytes = await png(1);
    const zip = await zipOf([['xx/evil.png', bytes], ['/abs.png'.slice(1), bytes], ['good.png', bytes]], renamed('xx/evil.png', '../evil.png'));
    const room = openRoom();
    const { id } = await room.import(zip);
    expect((await room.items(id)).map((i) => i.file)).toEqual(['abs.png', 'good.png']);
    expect(room.notes(id)).toMatchObject([{ file: '../evil.png', code: 'zip-entry', reason: expect.stringContaining('leads out') }]);
    expect(readdirSync(room.dataFolder, { recursive: true }).filter((f) => String(f).endsWith('evil.png'))).toEqual([]);
    for (const name of ['../a', 'a/../../b', '/a', '\\a', 'C:\\a', 'a\\..\\b', 'a\0b', `${'x'.repeat(256)}`]) expect(unsafeName(name), name).not.toBeNull();
    for (const name of ['a..b/c', 'a/b', '...', 'a b']) expect(unsafeName(name), name).toBeNull();
  });

  it('that are bombs are refused, by entry and by total', async () => {
    const zeros = Buffer.alloc(8_000_000);
    const zip = await zipOf([['bomb.png', zeros], ['good.png', await png(1)]]);
    const room = openRoom();
    const { id } = await room.import(zip);
    expect((await room.items(id)).map((i) => i.file)).toEqual(['good.png']);
    expect(room.notes(id)).toMatchObject([{ file: 'bomb.png', reason: expect.stringContaining('bomb') }]);
    const target = join(tempFolder(), 'out');
    await expect(unpackZip(await zipOf([['a.png', await png(1)], ['b.png', await png(2)]]), target, [], { limits: { entries: 10, totalBytes: 1_000, entryBytes: 1e6, ratio: 200 } })).rejects.toMatchObject({ code: 'dataset.zip' });
    expect(existsSync(target)).toBe(false);
  });

  it('whose import was stopped half-way are read again from the start', async () => {
    const zip = await zipOf([['a.png', await png(1)], ['b.png', await png(2)]]);
    const room = openRoom();
    const { readSource } = await import('../../main/datasets/longWork.ts');
    const { createDatasetContext } = await import('../../main/datasets/context.ts');
    const { id } = await room.import(zip);
    const context = createDatasetContext(room.db, join(room.dataFolder, 'datasets'), null);
    for (const item of context.items.all(id)) context.items.remove(item.id);
    const row = { ...context.store.get(id), scanned_at: null };
    expect(await readSource(context, row, { signal: new AbortController().signal, progress: () => {} })).toMatchObject({ pictures: 2, problems: 0, notes: 0 });
    const broken = await zipOf([['a.png', await png(1)]], (z) => z.subarray(0, z.length - 30));
    await expect(room.import(broken)).rejects.toMatchObject({ code: 'dataset.zip' });
    expect(await room.h['datasets.list']({})).toEqual(expect.arrayContaining([expect.objectContaining({ origin: broken, problem: expect.objectContaining({ code: 'dataset.zip' }) })]));
  });

  it('that lie about sizes or are no zips are refused with a reason', async () => {
    const broken = join(tempFolder(), 'x.zip');
    writeFileSync(broken, 'no zip at all');
    const room = openRoom();
    await expect(room.import(broken)).rejects.toMatchObject({ code: 'dataset.zip' });
    const notes: { file: string; code: string; reason: string }[] = [];
    const liar = await zipOf([['a.txt', Buffer.from('x'.repeat(100))], ['b.txt', Buffer.from('fine')]], (zip) => { const central = zip.indexOf(Buffer.from('PK\x01\x02', 'latin1')); zip.writeUInt32LE(10, central + 24); return zip; });
    const target = join(tempFolder(), 'out');
    await unpackZip(liar, target, notes);
    expect(notes).toMatchObject([{ file: 'a.txt', code: 'zip-entry' }]);
    expect(readFileSync(join(target, 'b.txt'), 'utf8')).toBe('fine');
    expect(existsSync(join(target, 'a.txt'))).toBe(false);
  });
});
