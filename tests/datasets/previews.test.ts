/** What a person is shown before training: the picture cut as the engine cuts it, and what a VAE makes of it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { createDatasets } from '../../main/datasets/service.ts';
import type { Cut, RoundTripPort } from '../../main/datasets/roundTrips.ts';
import { decodeCrop } from '../../main/engine/data/decodeImage.ts';
import { psnr, roundTrip } from '../../main/engine/roundTrip.ts';
import { writeTinyModel } from '../engine/tinyModel.ts';
import { countWords, openRoom, picture, png, put, tempFolder } from './helpers.ts';

const demo = join(import.meta.dirname, '../../resources/demo/untidy');

describe('the cut that is shown', () => {
  it('is, pixel for pixel, what the engine reads: turned upright, flattened, cut, scaled', async () => {
    const folder = tempFolder();
    put(folder, 'a.jpg', await picture(1, 120, 80).withMetadata({ orientation: 6 }).jpeg().toBuffer());
    put(folder, 'b.png', await sharp({ create: { width: 100, height: 70, channels: 4, background: { r: 200, g: 10, b: 10, alpha: 0.3 } } }).png().toBuffer());
    const room = openRoom();
    const { id } = await room.import(folder, { background: '#204060' });
    await room.edit(id, [(await room.item(id, 'a.jpg')).id], { kind: 'crop', place: { cx: 0.5, cy: 0.1 } });
    for (const { id: item, file, crop, bucket } of await room.items(id)) {
      const made = await room.service.cutMedia(`${item}:${crop!.join('-')}:${bucket!.join('x')}`);
      const engine = await decodeCrop(join(folder, file), crop!, { width: bucket![0], height: bucket![1] }, false, '#204060');
      expect(Buffer.compare(await sharp(made.file).raw().toBuffer(), engine), file).toBe(0);
    }
  });

  it('is refused beyond the picture, and for what is no cut', async () => {
    const folder = tempFolder();
    put(folder, 'a.png', await png(1));
    const room = openRoom();
    const { id } = await room.import(folder);
    const [item] = await room.items(id);
    for (const cut of [`${item!.id}:50-0-64-64:64x64`, `${item!.id}:0-0-0-64:64x64`, `${item!.id}:0-0-64-64:64000x64000`, `${item!.id}`, '../x', '999999:0-0-8-8:8x8']) await expect(room.service.cutMedia(cut), cut).rejects.toMatchObject({ code: 'media.not_found' });
  });
});

describe('the round trip', () => {
  function withPort() {
    const asked: Cut[] = [];
    let weights = 'w1';
    const port: RoundTripPort = { fingerprint: () => weights, run: async (_model, cut, output) => { asked.push(cut); writeFileSync(output, 'png'); return { latent: [8, 8, 4], psnr: 22.5 }; } };
    const room = openRoom();
    let running: Promise<unknown> = Promise.resolve();
    const service = createDatasets({ db: room.db, emit: () => {}, folder: join(room.dataFolder, 'datasets'), countTokens: countWords, roundTrip: port, jobs: { start: (_k, _t, run) => { running = run({ signal: new AbortController().signal, progress: () => {} }); running.catch(() => {}); return { id: 'job' }; } } });
    const send = async (id: string, item_id: number) => { await service.handlers['datasets.roundtrip']({ id, item_id, model_id: 'mdl_x' }); return await running as { media: string; psnr: number }; };
    return { room, service, asked, send, change: (w: string) => { weights = w; } };
  }

  it('asks the engine for the cut that training sees, and once for each picture, cut and VAE', async () => {
    const folder = tempFolder();
    put(folder, 'a.png', await png(1, 120, 80));
    put(folder, 'broken.png', 'x');
    const { room, service, asked, send, change } = withPort();
    const { id } = await room.import(folder);
    const { id: item } = await room.item(id, 'a.png');
    const first = await send(id, item);
    expect(first).toMatchObject({ psnr: 22.5, latent: [8, 8, 4], width: 80, height: 48, model_id: 'mdl_x' });
    expect(asked).toEqual([{ picture: join(folder, 'a.png'), background: '#ffffff', crop: [0, 4, 120, 72], bucket: [80, 48] }]);
    expect(readFileSync(service.roundTripMedia(first.media).file, 'utf8')).toBe('png');
    expect(await send(id, item)).toEqual(first);
    expect(asked).toHaveLength(1);
    change('w2');
    expect((await send(id, item)).media).not.toBe(first.media);
    await service.handlers['datasets.edit']({ id, target: { ids: [item] }, change: { kind: 'crop', place: { cx: 0, cy: 0 } } });
    await send(id, item);
    expect(asked.map((c) => c.crop)).toEqual([[0, 4, 120, 72], [0, 4, 120, 72], [0, 0, 120, 72]]);
    await expect(send(id, (await room.item(id, 'broken.png')).id)).rejects.toMatchObject({ code: 'dataset.unreadable_picture' });
    expect(() => service.roundTripMedia('../x')).toThrow(expect.objectContaining({ code: 'media.not_found' }));
  });

  it('through a VAE: the size stays, and the same picture comes back as far as that VAE can', async () => {
    const folder = tempFolder(), request = { picture: join(demo, 'balloon.png'), crop: [0, 0, 128, 128] as [number, number, number, number], bucket: { width: 64, height: 64 }, background: '#ffffff', vaeOnly: false, backend: 'auto' as const };
    const known = await roundTrip({ ...request, model: join(demo, '../../models/emoji-xl'), output: join(folder, 'a.png') }, () => {});
    expect(known).toMatchObject({ width: 64, height: 64, latent: [8, 8, 4] });
    expect(known.psnr).toBeGreaterThan(18);
    const there = await decodeCrop(request.picture, request.crop, request.bucket, false), back = await sharp(join(folder, 'a.png')).raw().toBuffer();
    expect(psnr(there, back)).toBeCloseTo(known.psnr!, 6);
    const random = await roundTrip({ ...request, model: await writeTinyModel(join(folder, 'tiny')), output: join(folder, 'b.png') }, () => {});
    expect(random.psnr).toBeLessThan(known.psnr! - 4);
    await expect(roundTrip({ ...request, model: join(demo, '../../models/emoji-xl'), bucket: { width: 60, height: 64 }, output: join(folder, 'c.png') }, () => {})).rejects.toMatchObject({ code: 'data.bucket_unaligned' });
    expect(psnr(new Uint8Array([0, 255]), new Uint8Array([0, 255]))).toBeNull();
    expect(psnr(new Uint8Array([0, 10]), new Uint8Array([0, 0]))).toBeCloseTo(10 * Math.log10(255 ** 2 / 50), 9);
  });
});
