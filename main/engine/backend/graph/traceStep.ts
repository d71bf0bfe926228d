/** Records one step function into a body of the main graph. */
import { tf, type Tensor, type TensorMap } from '../../tf.ts';
import { misuse } from '../errors.ts';
import type { State, StepResult, UpdateLoop } from '../executor.ts';
import { storageEnum } from '../native.ts';
import { DT } from '../nodeBinding.ts';
import { allUpdates, checkedUpdates, type StepDefinition } from '../stepCheck.ts';
import { LEFT_ALONE, wholeCall } from './functions.ts';
import { GRAPH_BACKEND, graphRecorder } from './kernels/index.ts';
import { Body, type GraphNode, type Ref } from './node.ts';
import { tfDtype, type GraphRecorder, type Recording } from './recorder.ts';
import { readVariable, variableHandle, type GraphVariables } from './variables.ts';

/** A recorded step: which nodes to feed and to fetch. */
export interface TracedStep { body: Body; feeds: Record<string, string>; fetches: Record<string, string>; /** fetched to make the updates happen */ done?: string }

/** Variables as one body (a step's, or that of a loop within it) sees them: each read at most once, before any update. */
class GraphState implements State {
  private readonly handles = new Map<string, Ref>();
  private readonly values = new Map<string, Ref>();
  private readonly reads = new Map<string, GraphNode>();
  private readonly recorder: GraphRecorder;
  private readonly body: Body;
  private readonly variables: GraphVariables;
  private readonly outer: GraphState | undefined;
  constructor(recorder: GraphRecorder, variables: GraphVariables, outer?: GraphState) {
    this.recorder = recorder;
    this.body = recorder.body;
    this.variables = variables;
    this.outer = outer;
  }
  has(name: string): boolean { return this.variables.specs.has(name); }
  get(name: string): tf.Tensor { return this.recorder.tensor(this.value(name)); }

  /** The handle of a variable; a loop is given the step's. */
  handle(name: string): Ref {
    const handle = this.handles.get(name) ?? (this.outer ? this.body.local(this.outer.handle(name)) : variableHandle(this.body, name, this.variables.spec(name)));
    this.handles.set(name, handle);
    return handle;
  }

  value(name: string): Ref {
    const known = this.values.get(name);
    if (known) return known;
    const spec = this.variables.spec(name), stored = readVariable(this.body, this.handle(name), spec);
    const value = spec.dtype === 'uint8' ? this.body.cast(stored, DT.float, []) : { ...stored, fromVariable: true };
    this.reads.set(name, stored.node!);
    this.values.set(name, value);
    return value;
  }

  /** What has to happen before the variables are assigned. */
  readsOf(names: Iterable<string>): GraphNode[] { return [...names].flatMap((name) => this.reads.get(name) ?? []); }

  /** The variables that were read or are to be assigned. */
  get used(): Iterable<string> { return this.handles.keys(); }
}

/**
 * Traces `step` number `index` as one function, called by one node: then TensorFlow does not take in a graph of tens of thousands of nodes
 * three times over (its copies of them are hundreds of megabytes), and grappler, whose rewriting needs as much again, leaves it alone.
 * `inline`: with the nodes in the body instead, to be looked at. Throws what the step function throws.
 */
export function traceStep(index: number, step: StepDefinition, variables: GraphVariables, how: Omit<Recording, 'body'>, inline = false): TracedStep {
  const recorder = graphRecorder(), body = new Body(`s${index}/`), before = tf.getBackend();
  tf.setBackend(GRAPH_BACKEND);
  try {
    return recorder.record({ body, ...how }, () => {
      let traced: TracedStep | undefined;
      tf.tidy(() => {
        const [tensors, feeds] = placeholders(recorder, step);
        let names: string[] = [], recomputes = false;
        const compute = (): Tensor[] => {
          const state = new GraphState(recorder, variables), result = step.fn(tensors, state);
          names = Object.keys(result.outputs);
          const made = [...Object.values(result.outputs), ...assignments(recorder, state, step.name, result, variables)].map((t) => recorder.tensor(recorder.plain(t), t.dtype));
          recomputes = recorder.body.nodes.some((n) => n.op === 'PartitionedCall' && '_noinline' in n.attrs);
          return made;
        };
        const outputs = (inline ? compute() : recorder.inFunction(LEFT_ALONE, compute, () => wholeCall(how.oneDevice && !recomputes))).map((t, i) => identity(body, recorder.ref(t), `out${i}`).node!.name);
        const fetches = Object.fromEntries(names.map((name, i) => [name, outputs[i]!]));
        traced = { body, feeds, fetches, ...(outputs.length > names.length ? { done: outputs.at(-1)! } : {}) };
      });
      return traced!;
    });
  } finally { tf.setBackend(before); }
}

function placeholders(recorder: GraphRecorder, step: StepDefinition): [TensorMap, Record<string, string>] {
  const tensors: TensorMap = {}, feeds: Record<string, string> = {};
  Object.entries(step.inputs).forEach(([name, { shape, dtype }], i) => {
    const type = tfDtype(dtype);
    const [ref] = recorder.body.add('Placeholder', [], { dtype: { type }, shape: { shape } }, [{ shape, dtype: type }], [], `in${i}`);
    tensors[name] = recorder.tensor(ref!, dtype);
    feeds[name] = ref!.node!.name;
  });
  return [tensors, feeds];
}

function identity(body: Body, ref: Ref, name: string, control: GraphNode[] = []): Ref {
  return body.add('Identity', [ref], { T: { type: ref.dtype } }, [{ shape: ref.shape, dtype: ref.dtype }], control, name)[0]!;
}

/**
 * Each update's assignment waits for its variable to have been read (readers share the old buffer, so nothing else has to wait).
 * With `applyIf`, new values go through Switch: assignments behind a dead branch do not run, and Merge tells that all is done. Loops choose
 * between new and old values themselves. Returns the token that tells it, or nothing where nothing is updated.
 */
function assignments(recorder: GraphRecorder, state: GraphState, step: string, result: StepResult, variables: GraphVariables): Tensor[] {
  const { body } = recorder, loops = recorder.current.xla ? result.loops ?? [] : [];
  const updates = checkedUpdates(step, recorder.current.xla ? result.updates ?? {} : allUpdates(result, state), variables.specs);
  if (result.applyIf && result.applyIf.size !== 1) throw misuse(`"${step}": applyIf must be a scalar, is [${result.applyIf.shape}]`);
  if (updates.length + loops.length === 0) return [];
  const condition = result.applyIf && recorder.ref(tf.cast(tf.reshape(result.applyIf, []), 'bool'));
  const gate = (ref: Ref): Ref[] => body.add('Switch', [ref, condition!], { T: { type: ref.dtype } }, [{ shape: ref.shape, dtype: ref.dtype }, { shape: ref.shape, dtype: ref.dtype }]);
  const assigned = updates.map(([name, tensor]) => {
    const dtype = storageEnum(variables.spec(name).dtype ?? 'float32'), next = body.cast(recorder.plain(tensor), dtype, []);
    return assign(body, state.handle(name), condition ? gate(next)[1]! : next, state.readsOf([name]));
  });
  const looped = loops.map((loop) => inPlace(recorder, state, step, loop, variables, condition));
  const token = body.constant(Int32Array.of(1), [], DT.int32), done = (ref: Ref): Tensor[] => [recorder.tensor(ref, 'int32')];
  if (!condition || updates.length === 0) return done(identity(body, token, 'done', [...assigned, ...looped]));
  const [off, on] = gate(token);
  const both = [identity(body, off!, 'kept'), identity(body, on!, 'applied', assigned)];
  const [merged] = body.add('Merge', both, { T: { type: DT.int32 }, N: { int: 2 } }, [{ shape: [], dtype: DT.int32 }, { shape: [], dtype: DT.int32 }]);
  return done(identity(body, merged!, 'done', looped));
}

function assign(body: Body, handle: Ref, value: Ref, control: GraphNode[] = []): GraphNode {
  body.add('AssignVariableOp', [handle, value], { dtype: { type: value.dtype } }, [], control);
  return body.nodes.at(-1)!;
}

/**
 * One compiled loop that reads and assigns its variables itself: XLA then writes into their own memory (it is not reused while anyone still reads
 * it). New buffers instead would lie scattered among a step's other memory, which a third of the heap was lost to. Returns the call.
 */
function inPlace(recorder: GraphRecorder, state: GraphState, step: string, loop: UpdateLoop, variables: GraphVariables, condition: Ref | undefined): GraphNode {
  let used: Iterable<string> = [];
  const [token] = recorder.inFunction({ _XlaMustCompile: { bool: true } }, () => {
    const { body } = recorder, inner = new GraphState(recorder, variables, state);
    used = inner.used;
    const assigned = checkedUpdates(step, loop(inner), variables.specs).map(([name, tensor]) => assign(body, inner.handle(name), recorder.plain(recorder.stored(tensor, inner.get(name)))));
    return [recorder.tensor(identity(body, body.constant(Int32Array.of(1), [], DT.int32), 'done', assigned), 'int32')];
  }, () => ({ op: 'StatefulPartitionedCall', control: state.readsOf(used) }), condition);
  return recorder.ref(token!).node!;
}
