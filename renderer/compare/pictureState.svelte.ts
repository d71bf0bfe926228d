/** Where one is among the pictures of a comparison, and how they are shown. */
import type { ComparedPictures } from '../../main/contract/compare.ts';

/** `detail`: every arm's picture at one screen pixel a pixel. */
export type PictureMode = 'side' | 'slider' | 'blink' | 'difference' | 'detail' | 'grid';

export class PictureState {
  mode: PictureMode = $state('slider');
  prompt = $state(0);
  seed = $state(0);
  /** null: the last step */
  step: number | null = $state(null);
  ema = $state(false);
  /** which of the trainings of each arm */
  repetition = $state(0);
  left = $state(0);
  right = $state(1);
  split = $state(50);
  zoom = $state(1);
  x = $state(50);
  y = $state(50);
  readonly rows: () => readonly ComparedPictures[];

  constructor(rows: () => readonly ComparedPictures[]) { this.rows = rows; }

  readonly hasEma = $derived.by(() => this.rows().some((r) => r.ema));
  /** of all trainings */
  readonly every = $derived.by(() => this.rows().filter((r) => !this.hasEma || r.ema === this.ema));
  readonly shown = $derived.by(() => this.every.filter((r) => r.repetition === this.repetition));
  /** the trainings with their seeds, one an arm */
  readonly repetitions = $derived.by(() => [...new Map(this.every.map((r) => [r.repetition, r.training_seeds]))].sort(([a], [b]) => a - b).map(([id, seeds]) => ({ id, seeds, seed: seeds.find((s) => s !== null) ?? 0 })));
  readonly prompts = $derived.by(() => [...new Set(this.shown.map((r) => r.prompt))]);
  readonly seeds = $derived.by(() => [...new Set(this.shown.map((r) => r.seed))].sort((a, b) => a - b));
  readonly steps = $derived.by(() => [...new Set(this.shown.map((r) => r.step))].sort((a, b) => a - b));
  readonly atStep = $derived.by(() => this.step ?? this.steps.at(-1) ?? 0);
  readonly current = $derived.by(() => this.find(this.prompts[this.prompt], this.seeds[this.seed], this.atStep));

  find(prompt: string | undefined, seed: number | undefined, step: number): ComparedPictures | undefined {
    return this.shown.find((r) => r.prompt === prompt && r.seed === seed && r.step === step);
  }
  movePrompt(by: number): void { this.prompt = clamp(this.prompt + by, this.prompts.length); }
  moveSeed(by: number): void { this.seed = clamp(this.seed + by, this.seeds.length); }
  moveRepetition(by: number): void { this.repetition = this.repetitions[clamp(this.repetitions.findIndex((r) => r.id === this.repetition) + by, this.repetitions.length)]?.id ?? 0; }
  moveStep(by: number): void { this.step = this.steps[clamp(this.steps.indexOf(this.atStep) + by, this.steps.length)] ?? null; }
  /** Zooms keeping the point under the pointer; x and y are in percent of the picture. */
  zoomAt(factor: number, x: number, y: number): void {
    this.zoom = Math.min(16, Math.max(1, this.zoom * factor));
    this.x = this.zoom === 1 ? 50 : x;
    this.y = this.zoom === 1 ? 50 : y;
  }
  /** Moves what is seen, in percent of the picture; the same in every arm. */
  pan(dx: number, dy: number): void {
    if (this.zoom === 1 && this.mode !== 'detail') return;
    this.x = Math.min(100, Math.max(0, this.x + dx));
    this.y = Math.min(100, Math.max(0, this.y + dy));
  }
}
const clamp = (i: number, length: number): number => Math.min(Math.max(i, 0), Math.max(0, length - 1));
