/** Stages of a training run whose `done` of `total` counts what a person counts: pictures, captions. That of others is only good for a share. */
export const isCounted = (stage: string): boolean => ['reading_data', 'caching_latents', 'caching_captions'].includes(stage);

/** How far a stage is, 0 … 100 rounded down; null where it comes in one piece. */
export const stagePercent = ({ done, total }: { done: number; total: number }): number | null => (total > 1 ? Math.floor((100 * done) / total) : null);
