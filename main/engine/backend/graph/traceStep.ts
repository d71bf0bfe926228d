/** Records one step function into a body of the main graph. */
import { tf, type Tensor, type TensorMap } from '../../tf.ts';
import { misuse } from '../errors.ts';
import type { State, StepResult } from '../executor.ts';
import { storageEnum } from '../native.ts';
import { DT } from '../nodeBinding.ts';
import { checkedUpdates, type StepDefinition } from '../stepCheck.ts';
import { AS_IT_IS, LEFT_ALONE } from './functions.ts';
import { GRAPH_BACKEND, graphRecorder } from './kernels/index.ts';
import { Body, type GraphNode, type Ref } from './node.ts';
import { tfDtype, type GraphRecorder, type Recording } from './recorder.ts';
import { readVariable, variableHandle, type GraphVariables } from './variables.ts';

/** A recorded step: which nodes to feed and to fetch. */
export interface TracedStep { body: Body; feeds: Record<string, string>; fetches: Record<string, string>; /** fetched to make the updates happen */ done?: string }

interface Variable { handle: Ref; value: Ref; /** what has to happen before the variable is assigned */ read: GraphNode }

/** The variables as a step sees them: read once per step, before any update. */
class GraphState implements State {
  readonly handles = new Map<string, Variable>();
  private readonly recorder: GraphRecorder;
  private readonly body: Body;
  private readonly variables: GraphVariables;
  constructor(recorder: GraphRecorder, body: Body, variables: GraphVariables) {
    this.recorder = recorder;
    this.body = body;
    this.variables = variables;
  }
  has(name: string): boolean { return this.variables.specs.has(name); }
  get(name: string): tf.Tensor { return this.recorder.tensor(this.entry(name).value); }
  entry(name: string): Variable {
    const known = this.handles.get(name);
    if (known) return known;
    const spec = this.variables.spec(name);
    const handle = variableHandle(this.body, name, spec);
    const stored = readVariable(this.body, handle, spec);
    const value = spec.dtype === 'uint8' ? this.body.cast(stored, DT.float, []) : { ...stored, fromVariable: true };
    const made = { handle, value, read: stored.node! };
    this.handles.set(name, made);
    return made;
  }
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
        let names: string[] = [];
        const compute = (): Tensor[] => {
          const state = new GraphState(recorder, recorder.body, variables), result = step.fn(tensors, state);
          names = Object.keys(result.outputs);
          return [...Object.values(result.outputs), ...assignments(recorder, state, step.name, result, variables)].map((t) => recorder.tensor(recorder.plain(t), t.dtype));
        };
        const outputs = (inline ? compute() : recorder.inFunction(LEFT_ALONE, compute, AS_IT_IS)).map((t, i) => identity(body, recorder.ref(t), `out${i}`).node!.name);
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
 * With `applyIf`, new values go through Switch: assignments behind a dead branch do not run, and Merge tells that all is done. Returns the
 * token that tells it, or nothing where nothing is updated.
 */
function assignments(recorder: GraphRecorder, state: GraphState, step: string, result: StepResult, variables: GraphVariables): Tensor[] {
  const { body } = recorder;
  const updates = checkedUpdates(step, result, variables.specs);
  if (result.applyIf && result.applyIf.size !== 1) throw misuse(`"${step}": applyIf must be a scalar, is [${result.applyIf.shape}]`);
  if (updates.length === 0) return [];
  const condition = result.applyIf && recorder.ref(tf.cast(tf.reshape(result.applyIf, []), 'bool'));
  const gate = (ref: Ref): Ref[] => body.add('Switch', [ref, condition!], { T: { type: ref.dtype } }, [{ shape: ref.shape, dtype: ref.dtype }, { shape: ref.shape, dtype: ref.dtype }]);
  const assigned = updates.map(([name, tensor]) => {
    const { handle, read } = state.entry(name), dtype = storageEnum(variables.spec(name).dtype ?? 'float32'), next = body.cast(recorder.plain(tensor), dtype, []);
    body.add('AssignVariableOp', [handle, condition ? gate(next)[1]! : next], { dtype: { type: dtype } }, [], [read]);
    return body.nodes.at(-1)!;
  });
  const token = body.constant(Int32Array.of(1), [], DT.int32), done = (ref: Ref): Tensor[] => [recorder.tensor(ref, 'int32')];
  if (!condition) return done(identity(body, token, 'done', assigned));
  const [off, on] = gate(token);
  const both = [identity(body, off!, 'kept'), identity(body, on!, 'applied', assigned)];
  const [merged] = body.add('Merge', both, { T: { type: DT.int32 }, N: { int: 2 } }, [{ shape: [], dtype: DT.int32 }, { shape: [], dtype: DT.int32 }], [], 'done');
  return done(merged!);
}
