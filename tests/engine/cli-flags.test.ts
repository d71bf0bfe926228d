import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { addConfigFlags, canonicalArguments, flagName, withFlags } from '../../main/cli/configFlags.ts';
import { stagePart } from '../../main/cli/eventText.ts';
import { duration, progressLine } from '../../main/cli/output.ts';
import { drawingText } from '../../main/engine/sampling/painter.ts';
import { runConfigFields, runConfigSchema } from '../../main/contract/runConfig.ts';
import { parseRunConfig } from '../../main/engine/run/runFolder.ts';
import { errorOf } from './train-helpers.ts';

function parse(...argv: string[]) {
  const command = addConfigFlags(new Command('train')).exitOverride().configureOutput({ writeErr: () => {} });
  command.parse(canonicalArguments(argv), { from: 'user' });
  return withFlags({}, command.opts());
}

describe('flags of the run configuration', () => {
  test('every field has one flag of its own', () => {
    const names = runConfigFields.map(flagName);
    expect(new Set(names).size).toBe(names.length);
  });
  test('every field can be set to another value by its flag, and arrives in its place', () => {
    for (const f of runConfigFields) {
      const value = f.kind === 'boolean' ? String(!f.default) : f.kind === 'choice' ? f.choices!.find((c) => c !== f.default)!
        : f.kind === 'integer' || f.kind === 'number' ? String(f.key.endsWith('_size') || f.key === 'resolution' || f.key.includes('bucket') ? 128 : Math.min(f.maximum ?? 2, 2)) : f.kind === 'numbers' ? '7' : 'words';
      const config = parseRunConfig(parse(`--${flagName(f)}`, value)) as unknown as Record<string, Record<string, unknown>>;
      expect(String(config[f.group]![f.key]), f.path).toBe(value);
      expect(config).not.toEqual(runConfigSchema.parse({}));
    }
  });
  test('dashes, underscores, paths, = and other scripts\' names', () => {
    const expected = { optimizer: { learning_rate: 0.001 } };
    for (const flag of ['--learning_rate', '--learning-rate', '--optimizer.learning_rate']) expect(parse(flag, '1e-3')).toEqual(expected);
    expect(parse('--learning-rate=1e-3')).toEqual(expected);
    expect(parse('--pretrained-model-name-or-path', 'm', '--network_dim', '4', '--mixed_precision', 'no', '--optimizer_type', 'AdamW8bit')).toEqual({
      model: { base: 'm' }, method: { rank: 4 }, training: { precision: 'fp32' }, optimizer: { optimizer: 'adamw8bit' },
    });
    expect(parse('--center_crop', '--use_8bit_adam', '--use_lpl', '--train_data_dir', 'd')).toEqual({ data: { crop: 'center', dataset: 'd' }, optimizer: { optimizer: 'adamw8bit' }, lpl: { enabled: true } });
  });
  test('booleans: bare, negated, with a value; lists; empty for nullable fields', () => {
    expect(parse('--random_flip', '--no-cache-latents', '--lpl_pow_law', 'false')).toEqual({ data: { random_flip: true, cache_latents: false }, lpl: { lpl_pow_law: false } });
    expect(parse('--prompts', 'a cat', 'a dog', '--prompts', 'a fish', '--seeds', '3,4')).toEqual({ samples: { prompts: ['a cat', 'a dog', 'a fish'], seeds: [3, 4] } });
    expect(parse('--snr_gamma', 'none')).toEqual({ diffusion: { snr_gamma: null } });
  });
  test('wrong values name the flag and what is expected', async () => {
    expect((await errorOf(() => parse('--learning_rate', 'fast'))).message).toBe('--learning_rate "fast": a number is expected.');
    expect((await errorOf(() => parse('--rank', '1.5'))).message).toContain('a whole number');
    expect((await errorOf(() => parse('--optimizer', 'sgd'))).message).toContain('adamw, adamw8bit, adafactor');
    expect((await errorOf(() => parse('--random_flip', 'maybe'))).message).toContain('true or false');
    expect((await errorOf(() => parse('--learning_rte', '1'))).message).toContain('--learning_rate');
  });
});

test('text of progress and durations', () => {
  expect(progressLine('training', 5, 10, 90, 200)).toBe(`${'█'.repeat(12)}${'░'.repeat(12)} 5/10 · 1 min 30 s left · training`);
  const bar = (event: Partial<Parameters<typeof stagePart>[0]>): string => {
    const e = { type: 'stage' as const, n: 1, at: 0, stage: 'sampling', text: 'drawing', done: 1, total: 4, eta_s: null, ...event };
    return progressLine(e.text, e.done, e.total, e.eta_s, 200, stagePart(e)).replace(/^[█░]+ /, '');
  };
  expect(bar({ text: drawingText(0, 1, 4), done: 4, total: 100, eta_s: 2 })).toBe('4 % · 2 s left · drawing picture 1 of 4');
  expect(bar({ text: drawingText(4, 4, 8), done: 50, total: 100 })).toBe('50 % · drawing pictures 5 to 8 of 8');
  expect(bar({ stage: 'caching_latents', text: 'encoding pictures', done: 37, total: 400 })).toBe('37/400 · encoding pictures');
  expect(bar({ stage: 'starting_engine', text: 'computing with TensorFlow', done: 1, total: 1 })).toBe('computing with TensorFlow');
  expect([duration(7.4), duration(60), duration(7500)]).toEqual(['7 s', '1 min', '2 h 5 min']);
});
