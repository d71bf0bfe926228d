/** Compiled steps: every step function becomes a part of one TensorFlow graph, in whose session the variables live. */
import type { Executor, ExecutorInfo, HostTensor, InputSpec, Precision, StepFunction, VariableSpec } from '../executor.ts';
import { misuse } from '../errors.ts';
import { releaseGarbage } from '../garbage.ts';
import { takeNative, toNative } from '../native.ts';
import { HEAVY_OPS, halfOps } from '../halfOps.ts';
import { loadNodeBackend, type NodeBackend } from '../nodeBinding.ts';
import { hasOneDnn } from '../oneDnn.ts';
import { addDefinition, checkInputs, type StepDefinition } from '../stepCheck.ts';
import type { Recording } from './recorder.ts';
import { GraphSession } from './session.ts';
import { traceStep, type TracedStep } from './traceStep.ts';
import { GraphVariables } from './variables.ts';

/** `half`: which heavy ops a half precision is used for: those that it makes quicker here (default), all of them, or these */
export interface GraphOptions { precision?: Precision; half?: 'quicker' | 'all' | readonly string[]; /** where the graph is written for TensorFlow to load; the system's by default */ tempDir?: string; /** compile marked elementwise parts with XLA; default true */ xla?: boolean; /** ask for oneDNN's kernels where they are quicker and TensorFlow has them; default true */ oneDnn?: boolean; onWarning?: (message: string) => void }
type Progress = NonNullable<Parameters<Executor['prepare']>[0]>;

export class GraphExecutor implements Executor {
  readonly info: ExecutorInfo;
  private readonly backend: NodeBackend;
  private readonly store: GraphVariables;
  private readonly options: GraphOptions;
  private readonly steps = new Map<string, StepDefinition>();
  private readonly traced = new Map<string, TracedStep>();
  private readonly functions = new Map<string, Uint8Array>();
  private readonly halfOps: ReadonlySet<string>;
  private readonly oneDnn: boolean;
  private session: GraphSession | undefined;
  private inSession: string[] = [];

  constructor(options: GraphOptions = {}) {
    this.backend = loadNodeBackend();
    this.store = new GraphVariables(this.backend.binding);
    this.options = options;
    const { precision: asked = 'fp32' } = options;
    this.halfOps = asked === 'fp32' ? new Set() : options.half === 'all' ? new Set(HEAVY_OPS) : typeof options.half === 'object' ? new Set(options.half) : halfOps(this.backend, asked);
    this.oneDnn = (options.oneDnn ?? true) && hasOneDnn(this.backend);
    const precision = this.halfOps.size ? asked : 'fp32';
    if (precision !== asked) options.onWarning?.(`This processor computes ${asked} more slowly than fp32, so the steps compute in fp32. Weights that are not trained can still be kept in half the memory.`);
    this.info = {
      kind: 'compiled', backend: 'tensorflow', version: `TensorFlow ${this.backend.binding.TF_Version}`,
      device: this.backend.isUsingGpuDevice ? 'GPU' : 'CPU', precision, kernels: { oneDnn: this.oneDnn, half: [...this.halfOps] },
    };
  }

  declare(name: string, spec: VariableSpec, init: Float32Array | 'zeros'): void { this.store.declare(name, spec, init); }
  define(name: string, inputs: Record<string, InputSpec>, fn: StepFunction): void { addDefinition(this.steps, { name, inputs, fn }); }
  isDefined(name: string): boolean { return this.steps.has(name); }
  variables(): Map<string, VariableSpec> { return new Map(this.store.specs); }

  prepare(onProgress?: Progress): void {
    const untraced = [...this.steps.values()].filter((s) => !this.traced.has(s.name));
    untraced.forEach((step, i) => {
      onProgress?.('tracing', i, untraced.length);
      this.traced.set(step.name, this.trace(step));
    });
    const fresh = untraced.length > 0 || !this.session || this.inSession.length < this.store.specs.size;
    if (fresh) this.load(onProgress);
    this.store.flush(this.session!, (done, total) => onProgress?.('weights', done, total));
    if (fresh) releaseGarbage();
  }

  run(name: string, inputs: Record<string, HostTensor>): Promise<Record<string, HostTensor>> {
    try { return Promise.resolve(this.runNow(name, inputs)); } catch (error) { return Promise.reject(error); }
  }

  read(name: string): Float32Array {
    this.prepare();
    return this.store.read(this.session!, name);
  }

  write(name: string, data: Float32Array): void { this.store.write(name, data); }

  /** A recording of a step with all its nodes in one body, for profiling. */
  tracedStep(name: string): TracedStep {
    const step = this.steps.get(name);
    if (!step) throw misuse(`"${name}" was never defined`);
    return traceStep(0, step, this.store, { ...this.how(), functions: new Map() }, true);
  }

  dispose(): void {
    this.store.dispose();
    this.session?.dispose();
    this.session = undefined;
  }

  private how(): Omit<Recording, 'body' | 'functions'> { return { precision: this.info.precision, halfOps: this.halfOps, oneDnn: this.oneDnn, oneDevice: !this.backend.isUsingGpuDevice, xla: this.options.xla ?? true }; }

  /** Records a step. One that throws is forgotten, so that the others go on. */
  private trace(step: StepDefinition): TracedStep {
    try {
      return traceStep(this.traced.size, step, this.store, { ...this.how(), functions: this.functions });
    } catch (error) {
      this.steps.delete(step.name);
      throw error;
    }
  }

  /** Loads a session with everything traced and declared; the variables of the one before it wait for `flush`. */
  private load(onProgress?: Progress): void {
    onProgress?.('loading', 0, 1);
    releaseGarbage();
    const functions = new Map(this.functions), variables = this.store.graph(functions, !this.backend.isUsingGpuDevice);
    const before = this.session;
    const session = new GraphSession(this.backend.binding, [variables.body, ...[...this.traced.values()].map((t) => t.body)], [...functions.values()], this.options.tempDir);
    if (before) this.store.withdraw(before);
    this.store.enter(variables);
    this.session = session;
    before?.dispose();
    this.inSession = [...this.store.specs.keys()];
    onProgress?.('loading', 1, 1);
  }

  private runNow(name: string, inputs: Record<string, HostTensor>): Record<string, HostTensor> {
    const step = this.steps.get(name);
    if (!step) throw misuse(`"${name}" was never defined`);
    checkInputs(step, inputs);
    this.prepare();
    this.store.invalidate();
    const { binding } = this.backend, { feeds, fetches, done } = this.traced.get(name)!;
    const fed = Object.entries(feeds).map(([key, node]): [string, number] => [node, toNative(binding, inputs[key]!.data, inputs[key]!.shape, 'float32').id]);
    try {
      const names = Object.keys(fetches);
      const values = this.session!.run(`run the step "${name}"`, fed, [...Object.values(fetches), ...(done ? [done] : [])]);
      if (done) binding.deleteTensor(values.pop()!.id);
      return Object.fromEntries(values.map((t, i) => [names[i]!, { shape: t.shape, data: takeNative(binding, t) }]));
    } finally { fed.forEach(([, id]) => binding.deleteTensor(id)); }
  }
}
