/** The state of the New run form: what was typed, what is wrong with it, and what it would cost. */
import type { AppErrorData } from '../../main/contract/errors.ts';
import { defaultRunConfig, runConfigFields, runConfigSchema, type RunConfig } from '../../main/contract/runConfig.ts';
import type { ConfigCheck, Estimate } from '../../main/contract/runs.ts';
import { attempt } from '../api/api.ts';
import { getPath, mergeConfig, same, setPath, type Loose } from '../ui/configPath.ts';
import { issueText } from './issueText.ts';

const fieldAt = new Map(runConfigFields.map((f) => [f.path, f]));
/** paths of the settings that a configuration names */
const valuesIn = (config: Loose): Set<string> => new Set(runConfigFields.map((f) => f.path).filter((path) => getPath(config, path) !== undefined));
export interface FormIssue { path: string; message: string; hint: string }

export class RunForm {
  /** complete, but possibly with values that do not fit */
  config: Loose = $state.raw(defaultRunConfig());
  /** what "changed" is measured against: the preset chosen, else the defaults */
  base: Loose = $state.raw(defaultRunConfig());
  baseName = $state('the defaults');
  name = $state('');
  project = $state('');
  check: ConfigCheck | null = $state.raw(null);
  estimate: Estimate | null = $state.raw(null);
  estimateError: AppErrorData | null = $state.raw(null);
  asking = $state(false);
  /** an empty field is only complained about once it was touched, or a start was tried */
  touched: ReadonlySet<string> = $state.raw(new Set());
  /** values that a preset, a file or another run brought */
  given: ReadonlySet<string> = $state.raw(new Set());
  /** what the model chosen advises, by path, and its name */
  advice: Readonly<Record<string, unknown>> = $state.raw({});
  adviser = $state('');
  tried = $state(false);

  /** what is sent: lines left blank in the sample prompts are no prompts */
  readonly sent: Loose = $derived.by(() => { const prompts = getPath(this.config, 'samples.prompts'); return Array.isArray(prompts) ? setPath(this.config, 'samples.prompts', prompts.filter((p) => String(p).trim() !== '')) : this.config; });
  readonly parsed = $derived(runConfigSchema.safeParse(this.config));
  /** the configuration where it is valid, else the last valid one: what the drawings show */
  readonly valid: RunConfig = $derived.by(() => (this.parsed.success ? this.parsed.data : this.#lastValid));
  readonly formErrors: FormIssue[] = $derived(this.parsed.success ? [] : this.parsed.error.issues.map((issue) => {
    const path = issue.path.slice(0, 2).join('.');
    return { path, message: issueText(issue, fieldAt.get(path)), hint: '' };
  }));
  readonly errors: Map<string, FormIssue> = $derived(new Map([...(this.check?.errors ?? []), ...this.formErrors].map((e) => [e.path, e])));
  readonly warnings: Map<string, FormIssue> = $derived(new Map((this.check?.warnings ?? []).map((w) => [w.path, w])));
  readonly changed = $derived(runConfigFields.filter((f) => !same(getPath(this.config, f.path), getPath(this.base, f.path))));
  #lastValid: RunConfig = defaultRunConfig();
  #asked = 0;
  #latest: Promise<void> = Promise.resolve();

  get(path: string): unknown { return getPath(this.config, path); }
  set(path: string, value: unknown): void {
    this.config = setPath(this.config, path, value);
    if (!this.touched.has(path)) this.touched = new Set([...this.touched, path]);
  }
  /** what to say at a field now */
  issueAt(path: string): FormIssue | undefined { return this.tried || this.touched.has(path) ? this.errors.get(path) : this.formErrors.find((e) => e.path === path); }
  /** Somebody chose this value, or brought it: the model's advice leaves it alone. */
  chose(path: string): boolean { return this.touched.has(path) || this.given.has(path); }
  /** what a field goes back to: the preset's value where it has one, else the model's advice, else the base */
  basis(path: string): unknown { return path in this.advice && !this.given.has(path) ? this.advice[path] : getPath(this.base, path); }
  reset(path: string): void {
    this.config = setPath(this.config, path, this.basis(path));
    this.touched = new Set([...this.touched].filter((p) => p !== path));
  }

  /** Takes the model's value, and follows it from then on. */
  useAdvice(path: string): void {
    this.given = new Set([...this.given].filter((p) => p !== path));
    this.reset(path);
  }

  /** The model chosen advises these values: those that nobody chose are taken over, and what the model before it advised is given up. */
  follow(advice: Readonly<Record<string, unknown>>, adviser: string): void {
    const paths = new Set([...Object.keys(this.advice), ...Object.keys(advice)]);
    [this.advice, this.adviser] = [advice, adviser];
    this.config = [...paths].filter((path) => !this.chose(path)).reduce((config, path) => setPath(config, path, this.basis(path)), this.config);
  }

  /** Starts from a preset; what names the person's own things (model, data, prompts) stays. */
  usePreset(name: string, preset: Loose): void {
    const keep = ['model.base', 'data.dataset', 'samples.prompts'];
    this.base = mergeConfig(defaultRunConfig(), preset);
    this.baseName = `“${name}”`;
    this.config = keep.reduce((config, path) => setPath(config, path, getPath(getPath(preset, path) === undefined ? this.config : preset, path)), this.base);
    this.touched = new Set(keep.filter((path) => this.touched.has(path)));
    this.given = valuesIn(preset);
    this.follow(this.advice, this.adviser);
  }

  /** Takes a whole or partial configuration over, as from a file or another run. */
  load(config: Loose): void {
    this.config = mergeConfig(defaultRunConfig(), config);
    this.touched = new Set();
    this.given = valuesIn(config);
    this.follow(this.advice, this.adviser);
  }
  /** Takes over what was written as text: what it changed was typed, what it left out has its default. */
  edit(config: Loose): void {
    const before = this.config;
    this.config = mergeConfig(defaultRunConfig(), config);
    this.touched = new Set([...this.touched, ...runConfigFields.map((f) => f.path).filter((path) => !same(getPath(before, path), getPath(this.config, path)))]);
  }

  /** Asks the core what it thinks: references, advice, memory and time. */
  async consult(): Promise<void> {
    for (let own = (this.#latest = this.#ask()); ; own = this.#latest) {
      await own;
      if (own === this.#latest) return;
    }
  }
  async #ask(): Promise<void> {
    const asked = ++this.#asked;
    if (this.parsed.success) this.#lastValid = this.parsed.data;
    this.asking = true;
    const check = await attempt('runs.checkConfig', { config: this.sent });
    if (asked !== this.#asked) return;
    if (check.result) this.check = check.result;
    const estimate = this.parsed.success ? await attempt('runs.estimate', { config: this.sent }) : null;
    if (asked !== this.#asked) return;
    if (estimate) { this.estimate = estimate.result; this.estimateError = estimate.error; }
    this.asking = false;
  }
}

/** The form of this session: leaving the page and coming back finds it as it was. It belongs to no component: what it derives goes on when the page has gone. */
let kept: RunForm | null = null;
export const currentForm = (): RunForm => kept ?? newForm();
export function newForm(): RunForm {
  let made!: RunForm;
  $effect.root(() => { made = new RunForm(); });
  return (kept = made);
}
