/**
 * Command line flags for every field of the run configuration. A flag is named after its field (--learning_rate), and its dashed
 * spelling (--learning-rate) and the names that diffusers' and kohya's scripts use work as well.
 */
import { Option, type Command } from 'commander';
import { AppError } from '../contract/errors.ts';
import type { FieldInfo } from '../contract/field.ts';
import { groupTitles, runConfigFields, type RunConfig } from '../contract/runConfig.ts';

/** Keys that say too little without their group. */
const clearer: Record<string, string> = { 'lpl.enabled': 'use_lpl', 'method.type': 'train_method' };
export const flagName = (field: FieldInfo): string => clearer[field.path] ?? field.key;

/** Other scripts' flags that are not one field's other name: what they mean here. */
const idioms: Record<string, string[]> = {
  center_crop: ['--crop', 'center'], random_crop: ['--crop', 'random'], use_8bit_adam: ['--optimizer', 'adamw8bit'],
  train_data_dir: ['--dataset'], instance_data_dir: ['--dataset'], train_batch: ['--train_batch_size'], num_train_steps: ['--max_train_steps'], batch_size: ['--train_batch_size'],
};
/** Other scripts' values. */
const values: Record<string, Record<string, string>> = { precision: { no: 'fp32' }, frozen_precision: { no: 'fp32' } };

function canonicalNames(): Map<string, string[]> {
  const names = new Map(Object.entries(idioms));
  for (const f of runConfigFields) {
    for (const name of [flagName(f), f.path, ...(f.alias ? [f.alias] : [])]) if (!names.has(name)) names.set(name, [`--${flagName(f)}`]);
  }
  return names;
}

/** Rewrites every known spelling of a configuration flag to the field's own; everything else is passed on as it is. */
export function canonicalArguments(argv: readonly string[]): string[] {
  const names = canonicalNames();
  return argv.flatMap((arg) => {
    const match = /^--(no[-_])?([a-z][\w.-]*)(=.*)?$/i.exec(arg);
    const target = match && names.get(match[2]!.replaceAll('-', '_'));
    if (!target) return [arg];
    const [flag, ...rest] = target;
    const named = match[1] ? `--no-${flag!.slice(2)}` : flag!;
    return rest.length ? [flag!, ...rest] : match[3] ? [named, match[3].slice(1)] : [named];
  });
}

/** Adds one option per field, grouped for --help. */
export function addConfigFlags(command: Command): Command {
  for (const f of runConfigFields) {
    const option = new Option(`--${flagName(f)} ${placeholder(f)}`, helpText(f)).helpGroup(`${groupTitles[f.group as keyof RunConfig]}:`);
    command.addOption(option.argParser((text: string, previous: unknown) => parseValue(f, text, previous)));
    if (f.kind === 'boolean') command.addOption(new Option(`--no-${flagName(f)}`).hideHelp());
  }
  return command;
}

function placeholder(f: FieldInfo): string {
  if (f.kind === 'boolean') return '[true|false]';
  if (f.kind === 'choice') return `<${f.choices!.join('|')}>`;
  return { number: '<number>', integer: '<integer>', text: '<text>', texts: '<text...>', numbers: '<integers...>' }[f.kind];
}

function helpText(f: FieldInfo): string {
  const range = f.minimum !== undefined && f.maximum !== undefined ? `${f.minimum}–${f.maximum}` : '';
  const unit = f.unit ? ` ${f.unit}` : '';
  const fallback = f.default === null ? 'empty' : Array.isArray(f.default) ? f.default.join(' ') || 'none' : f.default === '' ? 'none' : String(f.default);
  return `${f.description}${f.advice ? ` Advice: ${f.advice}` : ''} [${[range && `${range}${unit}`, `default: ${fallback}${range ? '' : unit}`].filter(Boolean).join('; ')}]`;
}

const wrong = (f: FieldInfo, text: string, expected: string): AppError =>
  new AppError('cli.bad_flag', `--${flagName(f)} "${text}": ${expected} is expected.`, `See "lpl train --help": ${f.description}`, { flag: flagName(f) });

/** Stands for null, which commander would turn into an empty text. */
const EMPTY = Symbol('empty');

function parseValue(f: FieldInfo, raw: string, previous: unknown): unknown {
  const text = values[f.key]?.[raw] ?? raw;
  if (f.nullable && ['', 'none', 'null'].includes(text.toLowerCase())) return EMPTY;
  switch (f.kind) {
    case 'text': return text;
    case 'texts': return [...(Array.isArray(previous) ? (previous as string[]) : []), text];
    case 'boolean': return parseBoolean(f, text);
    case 'choice': return parseChoice(f, text);
    case 'numbers': return [...(Array.isArray(previous) ? (previous as number[]) : []), ...text.split(',').map((t) => parseNumber(f, t, true))];
    case 'integer': return parseNumber(f, text, true);
    case 'number': return parseNumber(f, text, false);
  }
}

function parseBoolean(f: FieldInfo, text: string): boolean {
  const value = { true: true, false: false, 1: true, 0: false, yes: true, no: false }[text.toLowerCase()];
  if (value === undefined) throw wrong(f, text, 'true or false');
  return value;
}

function parseChoice(f: FieldInfo, text: string): string {
  const found = f.choices!.find((c) => c.toLowerCase() === text.toLowerCase());
  if (!found) throw wrong(f, text, `one of ${f.choices!.join(', ')}`);
  return found;
}

function parseNumber(f: FieldInfo, text: string, whole: boolean): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (!Number.isFinite(value) || (whole && !Number.isInteger(value))) throw wrong(f, text, whole ? 'a whole number' : 'a number');
  return value;
}

/** The options that were given, laid over `base` (a parsed RUN.json, or {}). */
export function withFlags(base: unknown, options: Record<string, unknown>): Record<string, Record<string, unknown>> {
  const config = structuredClone(base ?? {}) as Record<string, Record<string, unknown>>;
  for (const f of runConfigFields) {
    const value = options[flagName(f)];
    if (value !== undefined) (config[f.group] ??= {})[f.key] = value === EMPTY ? null : value;
  }
  return config;
}
