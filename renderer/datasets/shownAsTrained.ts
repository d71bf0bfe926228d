/** A new data set is shown at the resolution of the model that it will most likely train, so that its page and the run name one number. */
import { likelyModel } from '../../main/contract/models.ts';
import { workspace } from '../app/workspace.svelte.ts';

export function shownAsTrained(): { bucketing?: { resolution: number } } {
  const resolution = likelyModel(workspace.models.value ?? [])?.resolution;
  return resolution ? { bucketing: { resolution } } : {};
}
