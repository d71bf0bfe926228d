/** Records one step function into a body of the main graph. */
import { tf, type TensorMap } from '../../tf.ts';
import { misuse } from '../errors.ts';
import type { State, StepResult } from '../executor.ts';
import { storageEnum } from '../native.ts';
import { DT } from '../nodeBinding.ts';
import { checkedUpdates, type StepDefinition } from '../stepCheck.ts';
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

/** Traces `step` number `index`. Throws what the step function throws. */
export function traceStep(index: number, step: StepDefinition, variables: GraphVariables, how: Omit<Recording, 'body'>): TracedStep {
  const recorder = graphRecorder(), body = new Body(`s${index}/`), before = tf.getBackend();
  const state = new GraphState(recorder, body, variables);
  tf.setBackend(GRAPH_BACKEND);
  try {
    let traced: TracedStep | undefined;
    recorder.record({ body, ...how }, () => tf.tidy(() => {
      const [tensors, feeds] = placeholders(recorder, step);
      const result = step.fn(tensors, state);
      const fetches = Object.fromEntries(Object.entries(result.outputs).map(([name, t], i) => [name, identity(body, recorder.plain(t), `out${i}`).name]));
      traced = { body, feeds, fetches, ...(assignments(recorder, state, step.name, result, variables) ?? {}) };
    }));
    return traced!;
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

function identity(body: Body, ref: Ref, name: string, control: GraphNode[] = []): GraphNode {
  return body.add('Identity', [ref], { T: { type: ref.dtype } }, [{ shape: ref.shape, dtype: ref.dtype }], control, name)[0]!.node!;
}

/**
 * Each update's assignment waits for its variable to have been read (readers share the old buffer, so nothing else has to wait).
 * With `applyIf`, new values go through Switch: assignments behind a dead branch do not run, and Merge tells that all is done.
 */
function assignments(recorder: GraphRecorder, state: GraphState, step: string, result: StepResult, variables: GraphVariables): { done: string } | undefined {
  const { body } = recorder;
  const updates = checkedUpdates(step, result, variables.specs);
  if (result.applyIf && result.applyIf.size !== 1) throw misuse(`"${step}": applyIf must be a scalar, is [${result.applyIf.shape}]`);
  if (updates.length === 0) return undefined;
  const condition = result.applyIf && recorder.ref(tf.cast(tf.reshape(result.applyIf, []), 'bool'));
  const gate = (ref: Ref): Ref[] => body.add('Switch', [ref, condition!], { T: { type: ref.dtype } }, [{ shape: ref.shape, dtype: ref.dtype }, { shape: ref.shape, dtype: ref.dtype }]);
  const assigned = updates.map(([name, tensor]) => {
    const { handle, read } = state.entry(name), dtype = storageEnum(variables.spec(name).dtype ?? 'float32'), next = body.cast(recorder.plain(tensor), dtype, []);
    body.add('AssignVariableOp', [handle, condition ? gate(next)[1]! : next], { dtype: { type: dtype } }, [], [read]);
    return body.nodes.at(-1)!;
  });
  const token = body.constant(Int32Array.of(1), [], DT.int32);
  if (!condition) return { done: identity(body, token, 'done', assigned).name };
  const [off, on] = gate(token);
  const both = [identity(body, off!, 'kept'), identity(body, on!, 'applied', assigned)].map((node): Ref => ({ body, node, index: 0, dtype: DT.int32, shape: [] }));
  const [merged] = body.add('Merge', both, { T: { type: DT.int32 }, N: { int: 2 } }, [{ shape: [], dtype: DT.int32 }, { shape: [], dtype: DT.int32 }], [], 'done');
  return { done: merged!.node!.name };
}
