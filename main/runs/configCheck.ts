/** Checks a configuration as it is typed: form (the schema), what it refers to, and what experience advises against. */
import type { z } from 'zod';
import { runConfigSchema, type RunConfig } from '../contract/runConfig.ts';
import { samplesPerStep, shareBelow } from '../contract/timesteps.ts';
import type { ConfigCheck, configIssueSchema } from '../contract/runs.ts';

type Issue = z.output<typeof configIssueSchema>;
/** What other rooms know about a configuration's models and data. */
export interface References { model(base: string): Promise<Reference>; dataset(id: string): Promise<Reference> }
export interface Reference { problem: string | null; hint: string; resolution?: number | null; architecture?: string }

const issue = (path: string, message: string, hint: string): Issue => ({ path, message, hint });

/** Errors stop a start; warnings do not. */
export async function checkConfig(input: unknown, references: References): Promise<ConfigCheck> {
  const parsed = runConfigSchema.safeParse(input);
  if (!parsed.success) {
    const errors = parsed.error.issues.map((i) => issue(i.path.join('.'), i.message, 'Choose a value within the range shown.'));
    return { ok: false, errors, warnings: [], config: null };
  }
  const config = parsed.data;
  const found = await lookUp(config, references);
  const errors = [...found.errors, ...contradictions(config)];
  return { ok: errors.length === 0, errors, warnings: [...found.warnings, ...advice(config)], config };
}

async function lookUp(config: RunConfig, references: References): Promise<{ errors: Issue[]; warnings: Issue[] }> {
  const errors: Issue[] = [];
  const warnings: Issue[] = [];
  const need = async (path: string, value: string, missing: Issue, look: (v: string) => Promise<Reference>): Promise<Reference | null> => {
    if (value === '') { errors.push(missing); return null; }
    const reference = await look(value);
    if (reference.problem) errors.push(issue(path, reference.problem, reference.hint));
    return reference;
  };
  const model = await need('model.base', config.model.base, issue('model.base', 'Choose the model to start from.', 'Add one on the Models page, or take the built-in one.'), references.model);
  await need('data.dataset', config.data.dataset, issue('data.dataset', 'Choose the pictures to train on.', 'Add a folder on the Datasets page, or take the demo set.'), references.dataset);
  if (model?.resolution && config.data.resolution > model.resolution * 1.5) {
    warnings.push(issue('data.resolution', `This model was made for ${model.resolution} px.`, `Pictures of ${config.data.resolution} px take much more time and memory and may repeat motifs; ${model.resolution} is the usual choice.`));
  }
  return { errors, warnings };
}

function contradictions(c: RunConfig): Issue[] {
  const out: Issue[] = [];
  if (c.data.min_bucket_side > c.data.max_bucket_side) out.push(issue('data.min_bucket_side', 'The shortest bucket side is longer than the longest.', 'Lower it, or raise the longest.'));
  if (c.data.buckets && c.data.resolution % c.data.bucket_step !== 0) out.push(issue('data.bucket_step', `The resolution ${c.data.resolution} is not a multiple of the bucket step ${c.data.bucket_step}.`, 'Choose a step that divides the resolution.'));
  if (c.method.type === 'lora' && c.method.targets === 'pattern' && !isPattern(c.method.target_pattern)) out.push(issue('method.target_pattern', 'This is not a regular expression that names layers.', 'For example: attn2.to_(k|v)'));
  return out;
}

function isPattern(text: string): boolean {
  try { new RegExp(text); return text !== ''; } catch { return false; }
}

function advice(c: RunConfig): Issue[] {
  const out: Issue[] = [];
  const tries = samplesPerStep(c);
  if (c.method.type === 'full' && c.optimizer.learning_rate > 5e-5) out.push(issue('optimizer.learning_rate', 'High for training all weights.', '1e-5 to 1e-6 is usual; higher rates tend to destroy the model.'));
  const below = tries * shareBelow(c.lpl.lpl_t_threshold, c.diffusion); // samples a step that LPL sees
  if (c.lpl.enabled && below === 0) out.push(issue('lpl.lpl_t_threshold', 'With this timestep bias no sample lies below the threshold: no step trains LPL.', 'Raise the threshold, or change the bias.'));
  else if (c.lpl.enabled && below < 1) out.push(issue('training.train_batch_size', `${tries} picture${tries === 1 ? '' : 's'} a step ${tries === 1 ? 'is' : 'are'} too few for a sample below the timestep threshold in every step; steps without one train no LPL.`, `${Math.ceil(tries / below)} pictures a step (batch size × gradient accumulation) with stratified timesteps put one into every step.`));
  else if (c.lpl.enabled && !c.lpl.lpl_stratified && tries < 8) out.push(issue('lpl.lpl_stratified', `With ${tries} pictures a step, some steps hold no sample below the timestep threshold and train no LPL.`, 'Turn stratified timesteps on.'));
  if (c.lpl.enabled && c.lpl.lpl_weight === 0) out.push(issue('lpl.lpl_weight', 'The weight 0 switches LPL off.', 'Set a weight of about 1, or switch LPL off.'));
  if (c.samples.prompts.length === 0) out.push(issue('samples.prompts', 'Without prompts no sample pictures are drawn.', 'Add two or three, so that you see the training work.'));
  return out;
}
