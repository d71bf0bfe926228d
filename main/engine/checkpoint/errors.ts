/** What can be wrong with a model file, as errors a user can act on. */
import { AppError } from '../../contract/errors.ts';
import { insteadOfPickle } from '../../contract/models.ts';

const againHint = 'Download or export the file again, and compare its size or hash with the original.';

export const damagedFile = (path: string, what: string, details: Record<string, unknown> = {}): AppError =>
  new AppError('model.damaged', `${path} is damaged: ${what}.`, againHint, { path, ...details });

export const notSafetensors = (path: string, what: string, hint: string): AppError =>
  new AppError('model.not_safetensors', `${path} is not a safetensors file: ${what}.`, hint, { path });

export const pickleRefused = (path: string): AppError =>
  new AppError('model.pickle_refused', `${path} is a Python pickle (.ckpt, .pt, .bin). Opening one can run any program hidden in it, so it is never opened.`,
    insteadOfPickle, { path });

export const notSupported = (path: string, what: string): AppError =>
  new AppError('model.not_supported', `${path}: ${what} is not supported yet.`,
    'Choose an SDXL or Stable Diffusion 1.5 model: a diffusers folder or a single .safetensors file.', { path, architecture: what });

export const badConfig = (path: string, what: string): AppError =>
  new AppError('model.bad_config', `${path}: ${what}.`, 'Restore the file from the original model.', { path });

export const unreadableFile = (path: string, cause: NodeJS.ErrnoException): AppError =>
  new AppError(cause.code === 'ENOENT' ? 'file.not_found' : 'file.unreadable',
    cause.code === 'ENOENT' ? `${path} does not exist.` : `${path} cannot be read (${cause.code ?? cause.message}).`,
    cause.code === 'ENOENT' ? 'Check the path, or choose the file again.' : 'Check that the disk is connected and that you may read the file.', { path });

/** A list of names for a message: the first few, and how many more. */
export function someOf(names: string[], limit = 8): string {
  const more = names.length - limit;
  return names.slice(0, limit).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** Parts that the model lacks, and where others can be had. */
export function missingComponents(path: string, missing: readonly string[], where: string): AppError {
  const vae = missing.includes('vae') ? ' A VAE of the same family can be given on its own ("Other VAE", --vae).' : '';
  return new AppError('model.missing_component', `${path} is not a complete model: it has no ${missing.join(' and no ')} (${where}).`,
    `Download the model again, with ${missing.length > 1 ? 'these parts' : 'this part'}, or choose a checkpoint that has UNet, VAE and text encoders in it.${vae}`, { path, missing });
}
