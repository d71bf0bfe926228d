/**
 * Measures importing: `node tests/datasets/import-bench.ts [pictures=10000] [folder] [make | keep]`. Makes pictures of mixed sizes and formats (kept in the folder
 * when one is given; with `make` that is all; the imported data are copied to `keep`, for measureScroll.ts), then times sharp alone (decode, thumbnail) against the whole import on the same cores, the second opening, and work on 100,000 rows.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { serviceWithoutJobs } from '../../main/datasets/cli.ts';
import { WORKERS, forEachParallel } from '../../main/datasets/pool.ts';
import { THUMBNAIL_SIDE, THUMBNAIL_WEBP } from '../../main/datasets/probe.ts';
import { openDatabase } from '../../main/db/open.ts';

const count = Number(process.argv[2] ?? 10_000);
const work = mkdtempSync(join(tmpdir(), 'lpl-bench-'));
const folder = process.argv[3] ?? join(work, 'pictures');
let seed = 1;
const random = (): number => { seed = (seed * 1103515245 + 12345) & 0x7fffffff; return seed / 0x7fffffff; };

interface Icons { icons: Record<string, { body: string }> }
async function makePictures(): Promise<void> {
  const { icons } = JSON.parse(readFileSync(createRequire(import.meta.url).resolve('@iconify-json/noto/icons.json'), 'utf8')) as Icons;
  const bodies = Object.values(icons);
  mkdirSync(folder, { recursive: true });
  await forEachParallel(Array.from({ length: count }, (_, i) => i), async (i) => {
    const width = 256 + Math.floor(random() * 1_024), height = 256 + Math.floor(random() * 1_024);
    const parts = Array.from({ length: 5 }, () => `<g transform="translate(${random() * width * 0.8} ${random() * height * 0.8}) scale(${(1 + random() * 3) * Math.min(width, height) / 512})">${bodies[Math.floor(random() * bodies.length)]!.body}</g>`);
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${width}" height="${height}"><rect width="100%" height="100%" fill="hsl(${random() * 360},60%,60%)"/>${parts.join('')}</svg>`;
    const drawn = sharp(Buffer.from(svg)).removeAlpha();
    const kind = i % 10;
    await (kind < 7 ? drawn.jpeg({ quality: 90 }).toFile(join(folder, `${i}.jpg`)) : kind < 9 ? drawn.png({ compressionLevel: 2 }).toFile(join(folder, `${i}.png`)) : drawn.webp({ effort: 0 }).toFile(join(folder, `${i}.webp`)));
  });
}

let peak = 0;
const watch = setInterval(() => { peak = Math.max(peak, process.memoryUsage().rss); }, 50);
async function timed(label: string, run: () => Promise<unknown>): Promise<{ wall: number; cpu: number }> {
  const cpu = process.cpuUsage(), start = performance.now();
  await run();
  const used = process.cpuUsage(cpu), result = { wall: (performance.now() - start) / 1000, cpu: (used.user + used.system) / 1e6 };
  console.log(`${label}: ${result.wall.toFixed(2)} s, ${result.cpu.toFixed(2)} s of processor`);
  return result;
}

if (!existsSync(folder) || readdirSync(folder).length < count) await timed(`making ${count} pictures`, makePictures);
if (process.argv[4] === 'make') process.exit(0);
const files = readdirSync(folder).slice(0, count).map((f) => join(folder, f));
const thumbnail = (f: string) => sharp(f).autoOrient().resize(THUMBNAIL_SIDE, THUMBNAIL_SIDE, { fit: 'inside', withoutEnlargement: true }).webp(THUMBNAIL_WEBP).toBuffer();
const alone = await timed(`sharp alone, ${WORKERS} at once`, () => forEachParallel(files, async (f) => { await thumbnail(f); }));

peak = 0;
const file = join(work, 'studio.sqlite');
let texts = 0;
const room = () => { const db = openDatabase(file); return { db, ...serviceWithoutJobs(db, join(work, 'datasets'), (t) => t.split(/\s+/).length, { signal: new AbortController().signal, progress: () => { texts++; } }) }; };
const first = room();
let id = '';
const whole = await timed('import', async () => {
  id = (await first.service.handlers['datasets.import']({ paths: [folder], settings: { bucketing: {} } })).dataset_id;
  await first.settled();
});
const some = files.slice(0, Math.ceil(count / 10));
const usual = await timed(`sharp alone with WebP as sharp sets it, ${some.length} of them`, () => forEachParallel(some, async (f) => { await sharp(f).autoOrient().resize(THUMBNAIL_SIDE, THUMBNAIL_SIDE, { fit: 'inside', withoutEnlargement: true }).webp().toBuffer(); }));
console.log(`import / sharp alone: ${(whole.wall / alone.wall).toFixed(2)} by the clock, ${(whole.cpu / alone.cpu).toFixed(2)} by processor time (limit 1.5); against its usual WebP ${(whole.wall / usual.wall / count * some.length).toFixed(2)} and ${(whole.cpu / usual.cpu / count * some.length).toFixed(2)}; ${texts} progress reports; highest memory ${(peak / 1e6).toFixed(0)} MB (limit 600)`);
first.db.close();
const page = (r: ReturnType<typeof room>, query: string) => r.service.handlers['datasets.items']({ id, query, sort: 'name', descending: false, offset: 0, limit: 200 });
const second = room();
await timed('second opening, first page (limit 1 s)', async () => { await second.service.handlers['datasets.list']({}); await page(second, ''); });
if (process.argv[4]) cpSync(work, process.argv[4], { recursive: true });

const copies = Math.ceil(100_000 / count);
second.db.transaction(() => {
  for (let c = 1; c < copies; c++) second.db.prepare(`INSERT INTO dataset_items (dataset_id, file, bytes, mtime_ms, content_hash, format, width, height, sharpness, flatness, captions, disk_captions, tokens)
    SELECT dataset_id, 'copy ${c}/' || file, bytes, mtime_ms, content_hash || ${c}, format, width, height, sharpness, flatness, json_array('picture ' || id || ', copy ${c}, some tags, more words'), '[]', 9 FROM dataset_items WHERE dataset_id = ? AND file NOT LIKE 'copy %'`).run(id);
})();
second.db.close();
const large = room();
peak = 0;
await timed(`opening ${copies * count} rows, first page`, async () => { await large.service.handlers['datasets.list']({}); await page(large, ''); });
await timed('filtering them', async () => { await page(large, 'tag:"copy 3" OR (tokens:>5 width:>=1024 -issue:blurred)'); });
await timed('tag frequencies', async () => { await large.service.handlers['datasets.tags']({ id, query: '', prefix: '', limit: 500 }); });
await timed('editing one, then a page', async () => { await large.service.handlers['datasets.edit']({ id, target: { ids: [1] }, change: { kind: 'captions', captions: ['new'] } }); await page(large, ''); });
await timed('a tag added to all', async () => { await large.service.handlers['datasets.edit']({ id, target: { query: '' }, change: { kind: 'add_tags', tags: ['new'], at: 'end' } }); });
await timed('taken back', async () => { await large.service.handlers['datasets.undo']({ id }); });
console.log(`memory with these rows open ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`);
clearInterval(watch);
large.db.close();
rmSync(work, { recursive: true, force: true });
