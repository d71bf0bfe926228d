/** What can go wrong between a step function and the machine, as errors a user can act on. */
import { AppError } from '../../contract/errors.ts';

/** What TensorFlow said when it refused a graph or failed to run one. */
export function tensorflowFailed(what: string, error: unknown): AppError {
  const message = error instanceof Error ? error.message : String(error);
  if (/RESOURCE_EXHAUSTED|OOM when|bad_alloc|out of memory/i.test(message)) {
    return new AppError('engine.out_of_memory', `There was not enough memory to ${what}.`,
      'Lower the batch size or the resolution, turn on gradient checkpointing, train a LoRA instead of the full model, or close other programs.', { message });
  }
  return new AppError('engine.tensorflow_failed', `TensorFlow could not ${what}: ${message.slice(0, 600)}`,
    'Run the doctor. If it finds nothing, report this with the details.', { message });
}

/** Misuse of an executor by the engine itself: a bug, named precisely. */
export const misuse = (what: string): Error => new Error(`executor: ${what}`);
