/** The command line as another program sees it: exit codes, JSON lines on stdout, text on stderr. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { describe, expect, test, vi } from 'vitest';
import { runConfigFields } from '../../main/contract/runConfig.ts';
import { trainerEventSchema, type TrainerEvent } from '../../main/contract/trainerEvent.ts';
import { flagName } from '../../main/cli/configFlags.ts';
import { newRunFolder } from '../../main/cli/newRunFolder.ts';
import type { ExitReason } from '../../main/engine/run/exitCodes.ts';
import { openDatabase } from '../../main/db/open.ts';
import { resourcesDir } from '../../main/runtime/paths.ts';
import { namedModel } from '../../main/services/namedModel.ts';
import { createRunFolder, parseRunConfig } from '../../main/engine/run/runFolder.ts';
import { readText } from '../../main/engine/sampling/png.ts';
import { pictureFolder, tempDir } from './train-helpers.ts';
import { writeTinyModel } from './tinyModel.ts';

vi.setConfig({ testTimeout: 600_000 }); // a busy machine is no failure
const cli = fileURLToPath(new URL('../../main/cli.ts', import.meta.url));
const lpl = (...args: string[]) => spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8', env: { ...process.env, LPL_CACHE: tempDir(), TF_CPP_MIN_LOG_LEVEL: '3', COLUMNS: '160' } });

describe('lpl', () => {
  test('train --help shows every field of the configuration with its default', () => {
    const { stdout, status } = lpl('train', '--help');
    expect(status).toBe(0);
    for (const f of runConfigFields) expect(stdout).toContain(`--${flagName(f)} `);
    expect(stdout).toContain('default: 0.0001');
    expect(stdout).toContain('Latent Perceptual Loss:');
  });
  test('wrong flags and missing input: exit code 2 or 1, an error with a hint, also as JSON', () => {
    const missing = lpl('train', '--base', 'x', '--json');
    expect(missing.status).toBe(2);
    expect(JSON.parse(missing.stdout)).toMatchObject({ error: { code: 'cli.missing_option', hint: expect.stringContaining('--dataset') } });
    expect(missing.stderr).toContain('error: No data set was given.');
    const unknown = lpl('train', '--learning_rte', '1');
    expect([unknown.status, unknown.stderr.includes('learning_rate')]).toEqual([1, true]);
    expect(lpl('export', '/no/such/run').status).toBe(2);
  });
  test('a training that is refused leaves no folder behind; one that was there stays as it was', () => {
    const above = tempDir(), runs = join(above, 'runs'), refused = lpl('train', '--base', above, '--dataset', above, '--output_dir', join(runs, 'a'));
    expect([refused.status, existsSync(runs)]).toEqual([2, false]);
    expect(refused.stderr).toMatch(/error: [^]*removed again/);

    const config = parseRunConfig({ model: { base: 'm' }, data: { dataset: 'd' } }), own = join(above, 'own');
    mkdirSync(join(own, 'samples'), { recursive: true });
    for (const name of ['notes.txt', 'samples/mine.png']) writeFileSync(join(own, name), 'mine');
    const there = newRunFolder(own, config);
    mkdirSync(join(own, 'exports'));
    expect(there.withdrawIf('bad_input')).toBe(true);
    expect(readdirSync(own, { recursive: true }).sort()).toEqual(['notes.txt', 'samples', join('samples', 'mine.png')]);

    for (const dir of ['notes.txt', 'notes.txt/run']) expect(() => newRunFolder(join(own, dir), config)).toThrow(expect.objectContaining({ code: 'run.folder_unusable' }));
    const again = lpl('train', createRunFolder(join(above, 'kept'), config).dir);
    expect([again.status, existsSync(join(above, 'kept', 'config.json'))]).toEqual([2, true]);
  });
  test('a model may be given by the name that the app shows; the names are told where there is none', async () => {
    const dataDir = tempDir(), db = openDatabase(join(dataDir, 'studio.sqlite')), mine = [join(dataDir, 'mine'), join(dataDir, 'other')];
    for (const [i, path] of mine.entries()) {
      mkdirSync(path);
      db.prepare("INSERT INTO models (id, name, path, info, added_at) VALUES (?, ?, ?, '{}', 1)").run(`mdl_${i}`, ['My model', 'Twice'][i], path);
    }
    const named = (name: string) => lpl('train', '--base', name, '--dataset', dataDir, '--output_dir', join(dataDir, 'run'), '--json');
    vi.stubEnv('LPL_DATA', dataDir);
    const wrong = named('emoji-xxl');
    expect([wrong.status, existsSync(join(dataDir, 'run'))]).toEqual([2, false]);
    expect(JSON.parse(wrong.stdout)).toMatchObject({ error: { code: 'model.unknown', hint: expect.stringContaining('emoji-xl, My model, Twice') } });
    const shipped = join(resourcesDir, 'models', 'emoji-xl');
    for (const [given, path] of [['emoji-xl', shipped], ['builtin-emoji-xl', shipped], ['My model', mine[0]], ['mdl_1', mine[1]], [mine[1], mine[1]]] as const) expect(await namedModel(given!), given).toBe(path);
    db.exec("UPDATE models SET name = 'Twice'");
    await expect(namedModel('Twice')).rejects.toMatchObject({ code: 'model.ambiguous', hint: expect.stringContaining(mine[1]!) });
    db.close();
    rmSync(join(dataDir, 'studio.sqlite'));
    await expect(namedModel('Twice')).rejects.toMatchObject({ code: 'model.unknown', hint: expect.stringMatching(/a name: emoji-xl\.$/) });
    const trained = named('emoji-xl'); // without pictures, but with the model: it is the pictures that are missing
    expect(trained.stdout).toContain('"code":"data.');
    vi.unstubAllEnvs();
  });
  test('what suits the built-in model is said as the form says it, where a run has something else; a report names its resolution, a model\'s where one is given', async () => {
    const dataset = await pictureFolder(2), plain = ['--base', 'emoji-xl', '--dataset', dataset, '--estimate'];
    const advice = (...args: string[]): string[] => lpl('train', ...plain, ...args).stderr.split('\n').filter((l) => l.startsWith('advice: '));
    const size = 'advice: emoji-xl works best with --resolution 64; this run has 1024', weight = 'advice: emoji-xl works best with --lpl_weight 50; this run has 1';
    expect(advice()).toEqual([size]);
    expect(advice('--use_lpl')).toEqual([size, weight]);
    expect(advice('--use_lpl', '--resolution', '64', '--lpl_weight', '50')).toEqual([]);
    const judged = (...args: string[]): string => lpl('dataset', 'report', dataset, ...args).stderr.split('\n')[0]!;
    expect(judged()).toBe('judged at 1024 px, the default; --base MODEL takes a model\'s resolution, --resolution another');
    expect(judged('--base', 'emoji-xl')).toBe('judged at 64 px, the resolution of emoji-xl');
    expect(judged('--base', 'emoji-xl', '--resolution', '128')).toBe('judged at 128 px; emoji-xl works best with 64 px');
    for (const given of ['abc', '64.5', '8']) expect(judged('--resolution', given), given).toContain('--resolution needs a whole number of pixels, at least 16.');
    const { stdout } = lpl('dataset', 'report', dataset, '--base', 'emoji-xl', '--json');
    for (const line of stdout.trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ bucket: [64, 64] });
  });
  test.each<[ExitReason, boolean, boolean]>([['bad_input', false, true], ['disk_full', false, true], ['bad_input', true, false], ['stopped', false, false], ['out_of_memory', false, false], ['bug', false, false], ['finished', true, false]])(
    'the folder of a run that ends with %s (trained: %s) is removed: %s', (reason, trained, removed) => {
      const folder = newRunFolder(join(tempDir(), 'runs', 'b'), parseRunConfig({}));
      if (trained) folder.saw({ type: 'step' } as TrainerEvent);
      folder.saw({ type: 'stage' } as TrainerEvent);
      expect([folder.withdrawIf(reason), existsSync(folder.dir)]).toEqual([removed, !removed]);
    });
  test('--print_config gives a complete configuration that can be read again', () => {
    const { stdout } = lpl('train', '--base', 'm', '--dataset', 'd', '--learning-rate', '5e-5', '--print_config');
    expect(JSON.parse(stdout)).toMatchObject({ model: { base: 'm' }, optimizer: { learning_rate: 5e-5 }, lpl: { lpl_t_threshold: 200 } });
  });
  test('trains, draws and exports with JSON lines only on stdout', async () => {
    const base = await writeTinyModel(join(tempDir(), 'model')), dataset = await pictureFolder(2), run = join(tempDir(), 'run');
    const trained = lpl('train', '--base', base, '--dataset', dataset, '--resolution', '64', '--network_dim', '2', '--max_train_steps', '2', '--learning_rate', '0.01', '--backend', 'tensorflow-eager', '--output_dir', run, '--json');
    expect(trained.status, trained.stderr).toBe(0);
    expect(trained.stderr).not.toMatch(/DeprecationWarning|node:\d/);
    const events = trained.stdout.trim().split('\n').map((line) => trainerEventSchema.parse(JSON.parse(line)));
    expect(events.map((e) => JSON.stringify(e)).join('\n')).toBe(readFileSync(join(run, 'events.jsonl'), 'utf8').trim().split('\n').map((l) => JSON.stringify(trainerEventSchema.parse(JSON.parse(l)))).join('\n'));
    expect(events.at(-1)).toMatchObject({ type: 'finished', reason: 'finished', step: 2 });
    const drawn = lpl('sample', '--run', run, '--prompt', 'a cat', '--seeds', '5', '--num_inference_steps', '1', '--backend', 'tensorflow-eager', '--output_dir', join(run, 'drawn'), '--json');
    expect(drawn.status, drawn.stderr).toBe(0);
    expect(existsSync(JSON.parse(drawn.stdout).file)).toBe(true);
    const from = (strength: string) => lpl('sample', '--run', run, '--prompt', 'a cat', '--seeds', '5,6', '--num_inference_steps', '2', '--image', join(dataset, 'p0.png'), '--strength', strength, '--backend', 'tensorflow-eager', '--output_dir', join(run, `from-${strength}`), '--json');
    const pixels = async (strength: string): Promise<string[]> => {
      const files = from(strength).stdout.trim().split('\n').map((line) => JSON.parse(line).file as string);
      return Promise.all(files.map(async (f) => (await sharp(f).raw().toBuffer()).toString('base64')));
    };
    const [kept, changed] = [await pixels('0.4'), await pixels('1')]; // none of two steps: the picture through the VAE, whatever the seed; and both
    expect(kept[0]).toBe(kept[1]);
    expect(new Set([kept[0], ...changed]).size).toBe(3);
    expect(readText(readFileSync(join(run, 'from-1', 'p00-s5.png')))['lpl-studio']).toContain('"strength":1');
    expect(from('1.5').status).toBe(2);
    const exported = lpl('export', run, '--format', 'diffusers', '--dtype', 'fp32', '--json');
    expect(JSON.parse(exported.stdout)).toMatchObject({ type: 'export', step: 2, format: 'lora-diffusers' });
    const merged = lpl('merge', '--model', base, '--lora', JSON.parse(exported.stdout).file, '--dtype', 'fp32', '--output', join(run, 'merged'), '--json');
    expect(merged.status, merged.stderr).toBe(0);
    expect(JSON.parse(merged.stdout)).toMatchObject({ type: 'export', format: 'model-diffusers', file: join(run, 'merged') });
    const again = lpl('sample', '--model', join(run, 'merged'), '--prompt', 'a cat', '--seeds', '5', '--num_inference_steps', '1', '--backend', 'tensorflow-eager', '--output_dir', join(run, 'again'), '--json');
    const [first, second] = await Promise.all([drawn, again].map((r) => sharp(JSON.parse(r.stdout).file).raw().toBuffer())) as [Buffer, Buffer];
    expect(first.every((v, i) => Math.abs(v - second[i]!) <= 1)).toBe(true);
  }, 900_000);
});
