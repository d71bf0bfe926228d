/** Made-up runs, curves and pictures. */
import { runConfigSchema } from '../../../main/contract/runConfig.ts';
import type { Sample, Series } from '../../../main/contract/runData.ts';
import type { RunWithConfig } from '../../../main/contract/runs.ts';

export const now = Date.now();
export const prompts = ['a red apple, blob style', 'a smiling face with sunglasses', 'a green frog', 'a yellow star'];

export function fakeRun(over: Partial<RunWithConfig> & { id: string; name: string }): RunWithConfig {
  const lpl = over.lpl_enabled ?? true;
  return {
    project_id: 'p1', notes: '', state: 'finished', exit_reason: 'finished', error: null, compared_with: null, lpl_enabled: lpl, step: 1500, total_steps: 1500, stage: null, eta_s: null,
    images_per_s: null, memory_mb: null, backend: 'tensorflow', device: 'AMD EPYC 9R14, 8 threads', queue_position: null, priority: 0, folder: `/home/mara/.local/share/lpl-studio/runs/${over.id}`,
    created_at: now - 7_200_000, started_at: now - 7_000_000, ended_at: now - 3_000_000, last_event: 900,
    changed_prompts: null,
    config: runConfigSchema.parse({ model: { base: 'builtin' }, data: { dataset: 'demo', resolution: 64 }, lpl: { enabled: lpl }, samples: { prompts }, training: { train_batch_size: 4 } }),
    ...over,
  };
}

const outOfMemory = { code: 'trainer.out_of_memory', message: 'Memory ran out in step 3 while the VAE decoder’s features were computed for LPL.', hint: 'Turn on “Recompute decoder activations”, or lower the resolution or the batch size, and start again.', details: { needed_mb: 41_200, available_mb: 32_000, step: 3 } };
export const runs: RunWithConfig[] = [
  fakeRun({ id: 'live', name: 'Blob emoji, LPL weight 1', state: 'running', exit_reason: null, step: 412, ended_at: null, eta_s: 540, images_per_s: 8.37, memory_mb: 2840, started_at: now - 250_000, stage: { stage: 'training', text: 'Training', done: 412, total: 1500, eta_s: 540, at: now } }),
  fakeRun({ id: 'wait1', name: 'Blob emoji, baseline', lpl_enabled: false, state: 'queued', exit_reason: null, step: 0, started_at: null, ended_at: null, queue_position: 1 }),
  fakeRun({ id: 'wait2', name: 'Blob emoji, LPL weight 2, threshold 100', state: 'queued', exit_reason: null, step: 0, started_at: null, ended_at: null, queue_position: 2 }),
  fakeRun({ id: 'done', name: 'Watercolour houses', notes: 'first try with 40 pictures' }),
  fakeRun({ id: 'base', name: 'Watercolour houses, baseline', lpl_enabled: false }),
  fakeRun({ id: 'oom', name: 'Portraits at 1024', state: 'failed', exit_reason: 'out_of_memory', step: 3, ended_at: now - 90_000_000, error: outOfMemory }),
  fakeRun({ id: 'paused', name: 'Ceramics', state: 'paused', exit_reason: 'paused', step: 750, ended_at: now - 400_000 }),
  fakeRun({ id: 'draft', name: 'Tea labels', state: 'draft', exit_reason: null, step: 0, started_at: null, ended_at: null }),
];

/** A picture that differs by prompt, seed and step: a noisy disc that becomes clearer. */
function picture(prompt: number, seed: number, step: number): string {
  const clear = Math.min(1, step / 400);
  const hue = [5, 45, 110, 52][prompt % 4]!;
  const dots = Array.from({ length: 50 }, (_, i) => {
    const r = Math.abs(Math.sin(i * 12.9898 + prompt * 78.233 + seed * 37.719)) * 43758.5453 % 1;
    const q = Math.abs(Math.sin(i * 4.1414 + prompt * 3.7 + seed * 9.1)) * 24634.6345 % 1;
    return `<rect x="${Math.floor(r * 64)}" y="${Math.floor(q * 64)}" width="5" height="5" fill="hsl(${(hue + i * 29) % 360} 40% 50% / ${(1 - clear) * 0.8})"/>`;
  }).join('');
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64" fill="hsl(${hue} 20% 92%)"/><circle cx="32" cy="${33 + seed}" r="${14 + 8 * clear}" fill="hsl(${hue} ${30 + 50 * clear}% 55%)"/><circle cx="26" cy="29" r="2.500" fill="#222" opacity="${clear}"/><circle cx="38" cy="29" r="2.500" fill="#222" opacity="${clear}"/>${dots}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

export function samplesOf(runId: string, steps: readonly number[]): Sample[] {
  return steps.flatMap((step) => prompts.flatMap((prompt, p) => [1, 2].map((seed) => ({
    id: `${runId}-${step}-${p}-${seed}`, run_id: runId, step, prompt, negative_prompt: '', prompt_index: p, seed, ema: false, width: 64, height: 64,
    file: `samples/step-${step}-${p}-${seed}.png`, sha256: 'ab', created_at: now, url: picture(p, seed, step),
  }))));
}

const shapes: Record<string, (step: number) => number> = {
  loss: (s) => 0.35 * Math.exp(-s / 300) + 0.18 + 0.06 * Math.sin(s * 12.9) * Math.sin(s * 3.1),
  diffusion_loss: (s) => 0.2 * Math.exp(-s / 350) + 0.11 + 0.04 * Math.sin(s * 7.7) * Math.sin(s * 1.3),
  lpl_loss: (s) => 0.15 * Math.exp(-s / 250) + 0.07 + 0.03 * Math.sin(s * 5.1),
  'lpl/layer_0': (s) => 0.09 * Math.exp(-s / 250) + 0.03 + 0.004 * Math.sin(s * 5.1), 'lpl/layer_1': (s) => 0.05 * Math.exp(-s / 250) + 0.02 + 0.004 * Math.sin(s * 3.1), 'lpl/layer_2': (s) => 0.03 * Math.exp(-s / 200) + 0.012 + 0.003 * Math.sin(s * 2.1), 'lpl/layer_3': (s) => 0.02 * Math.exp(-s / 200) + 0.006, 'lpl/layer_4': (s) => 0.01 * Math.exp(-s / 150) + 0.004,
  lr: (s) => 1e-4 * Math.min(1, s / 100), grad_norm: (s) => 0.8 * Math.exp(-s / 200) + 0.4 + 0.2 * Math.abs(Math.sin(s * 9.1)), images_per_s: (s) => 8.3 + 0.4 * Math.sin(s / 9), 'memory/rss_mb': (s) => 2700 + Math.min(140, s),
};
for (let i = 0; i < 5; i += 1) {
  shapes[`lpl/feature_mean_${i}`] = (s) => 0.4 - 0.2 * i + 0.02 * Math.sin(s / 30 + i);
  shapes[`lpl/feature_std_${i}`] = (s) => 3 - 0.5 * i + 0.1 * Math.sin(s / 20 + i);
  shapes[`lpl/outlier_ratio_${i}`] = (s) => 0.002 * (i + 1) + 0.001 * Math.sin(s / 10 + i);
}
for (const [i, name] of ['mean', 'std', 'min', 'max'].entries()) shapes[`lpl/snr_${name}`] = (s) => 20 * (i + 1) + 5 * Math.sin(s / 15 + i);
export const metricNames = Object.keys(shapes);

export function seriesOf(names: readonly string[], from: number, to: number): Series[] {
  const stride = Math.max(1, Math.floor((to - from) / 800));
  return names.map((name) => {
    const steps: number[] = [];
    for (let s = Math.max(1, Math.ceil(from)); s <= to; s += stride) steps.push(s);
    return { name, total: Math.max(0, to - from), steps, values: steps.map((s) => shapes[name]?.(s) ?? 0) };
  });
}
