/** Writes docs/run-settings.md from the schema that forms and flags are made from: `node scripts/node24.mjs scripts/write-docs.ts`. A test holds it up to date. */
import { join } from 'node:path';
import { flagName } from '../main/cli/configFlags.ts';
import type { FieldInfo } from '../main/contract/field.ts';
import { glossary } from '../main/contract/glossary.ts';
import { groupTitles, runConfigFields, type RunConfig } from '../main/contract/runConfig.ts';
import { writeFileAtomic } from '../main/files/atomicFile.ts';
import { appDir } from '../main/runtime/paths.ts';

export const settingsPage = join(appDir, 'docs', 'run-settings.md');
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function fallback({ default: value }: FieldInfo): string {
  if (value === null || value === '' || (Array.isArray(value) && value.length === 0)) return '–';
  return Array.isArray(value) ? value.join(', ') : String(value);
}
function range(f: FieldInfo): string {
  if (f.choices) return f.choices.join(', ');
  if (f.minimum === undefined && f.maximum === undefined) return '';
  return f.maximum === undefined ? `≥ ${f.minimum}` : `${f.minimum ?? ''} – ${f.maximum}`;
}
const row = (f: FieldInfo): string => `| ${[f.title, `\`--${flagName(f)}\``, `${f.description}${f.advice ? ` *${f.advice}*` : ''}`, `${fallback(f)}${f.unit ? ` ${f.unit}` : ''}`, range(f)].map(cell).join(' | ')} |`;

/** The page's text: a table for each group of settings. */
export function settingsDocs(): string {
  const groups = (Object.keys(groupTitles) as (keyof RunConfig)[]).map((group) => [
    `## ${groupTitles[group]}`, '', '| Setting | Flag | What it does | Default | Range |', '| --- | --- | --- | --- | --- |',
    ...runConfigFields.filter((f) => f.group === group).map(row), '',
  ].join('\n'));
  return ['# Settings of a run', '', 'Made by `scripts/write-docs.ts` from `main/contract/runConfig.ts`; the window\'s form and the flags of `lpl train` come from there too.', '', ...groups, '## What the words mean', '', ...glossary.map((w) => `- **${w.term}**${w.also ? ` (${w.also.join(', ')})` : ''}: ${w.text}`), ''].join('\n');
}

if (import.meta.main) writeFileAtomic(settingsPage, settingsDocs());
