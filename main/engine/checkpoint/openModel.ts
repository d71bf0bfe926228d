/** Opens a base model, whatever its layout, and checks it before any time is spent on it. */
import { stat } from 'node:fs/promises';
import { AppError } from '../../contract/errors.ts';
import { checkProblems, componentTitles, fitWeights } from './checkWeights.ts';
import { unreadableFile } from './errors.ts';
import { expectedShapes } from './expectedShapes.ts';
import type { ComponentName, ModelSource } from './modelSource.ts';
import { openFolder } from './openFolder.ts';
import { openSingleFile } from './openSingleFile.ts';
import { openVae } from './openVae.ts';

export interface OpenOptions {
  /** "fp16": take these weight files of a diffusers folder where there is a choice */
  variant?: string | undefined;
  /** another VAE to use instead, as a folder or file */
  vae?: string | undefined;
  /** a diffusers folder to take a single file's configs, tokenizers and scheduler from */
  configFrom?: string | undefined;
  /** only these; default: all that the architecture has */
  components?: ComponentName[] | undefined;
}

const builtinVocabularySize = 49408;
/** The built-in vocabulary is CLIP's own; an encoder with another one came with a tokenizer, which must be there. */
function checkTokenizers(source: ModelSource): void {
  for (const [tokenizer, encoder] of [['tokenizer', 'text_encoder'], ['tokenizer_2', 'text_encoder_2']] as const) {
    if (source.tokenizers[tokenizer]?.kind !== 'builtin' || !source.has(encoder)) continue;
    const size = source.config(encoder)['vocab_size'] ?? builtinVocabularySize;
    if (size !== builtinVocabularySize) throw new AppError('model.needs_tokenizer', `${source.path}: the ${encoder} has a vocabulary of its own (${String(size)} words), but there is no ${tokenizer} with it.`,
      `Put the model's ${tokenizer} folder ${source.layout === 'diffusers' ? 'back into it' : `at ${source.path.replace(/\.safetensors$/i, '')}/${tokenizer}`}.`, { path: source.path, tokenizer });
  }
}

/** expectedShapes, with the place in what is said. */
function shapesOf(source: ModelSource, component: ComponentName): ReturnType<typeof expectedShapes> {
  try { return expectedShapes(component, source.config(component)); } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError(error.code, `${source.path}, ${componentTitles[component]}: ${error.message}`, error.hint, { ...error.details, path: source.path, component });
  }
}

/** Every component has exactly the weights, in the shapes, that its config asks for. */
function check(source: ModelSource): void {
  for (const component of source.components) {
    const config = source.config(component);
    const { weights, problems } = fitWeights({ config, weights: source.weights(component) }, shapesOf(source, component));
    checkProblems(source.path, component, problems);
    source.replace(component, { config, weights });
  }
}

/**
 * Opens `path` (a diffusers folder or a .safetensors file) and checks architecture, names and shapes; values are checked
 * for NaN as they are read. Throws AppErrors file.* and model.*. The caller closes the source.
 */
export async function openModel(path: string, options: OpenOptions = {}): Promise<ModelSource> {
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => { throw unreadableFile(path, error); });
  const wanted = options.vae && !options.components ? { ...options, withoutVae: true } : options;
  const source = info.isDirectory() ? await openFolder(path, wanted) : await openSingleFile(path, wanted);
  try {
    if (options.vae) {
      const vae = await openVae(options.vae, source.kind);
      source.replace('vae', vae.source, vae.files);
    }
    check(source);
    checkTokenizers(source);
    return source;
  } catch (error) {
    await source.close();
    throw error;
  }
}
