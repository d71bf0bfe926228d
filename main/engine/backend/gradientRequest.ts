/**
 * Which tensors the gradients being computed are asked for. tfjs does not tell; `recompute` has to know, or it would compute
 * gradients of every frozen weight that a block uses. So the engine's `gradients` is wrapped once, to note its `xs`.
 */
import { tf, type Tensor } from '../tf.ts';

export interface TapeNode { inputs: Record<string, Tensor>; outputs: Tensor[]; saved?: Tensor[] }
export interface EngineState { activeTape: TapeNode[] | null; kernelDepth: number; gradientDepth: number; nextScopeId: number }
type Gradients = (f: () => Tensor, xs: Tensor[], dy?: Tensor | null, allowNoGradients?: boolean) => { value: Tensor; grads: Tensor[] };
interface Engine { state: EngineState; gradients: Gradients; isTapeOn(): boolean }

/** tfjs's engine with the internals that gradient checkpointing needs. */
export const tfjsEngine = (): Engine => tf.engine() as unknown as Engine;

/** One call of tf.grads and its like: ids of the tensors that depend on its xs, as far as the tapes have been looked through. */
export class GradientRequest {
  /** tensors of this scope and later ones were made within the request's forward pass */
  readonly firstScope: number;
  private readonly dependent: Set<number>;
  private readonly seen = new WeakMap<TapeNode[], number>();

  constructor(xs: Tensor[], firstScope: number) {
    this.dependent = new Set(xs.map((x) => x.id));
    this.firstScope = firstScope;
  }

  /** Takes note of what `tape` says since the last look. */
  follow(tape: TapeNode[]): void {
    for (let i = this.seen.get(tape) ?? 0; i < tape.length; i++) {
      const node = tape[i]!;
      if (Object.values(node.inputs).some((t) => this.dependent.has(t.id))) node.outputs.forEach((t) => this.dependent.add(t.id));
    }
    this.seen.set(tape, tape.length);
  }

  /** `copy`, which holds the same value as `t` and was made off the tape. */
  alias(t: Tensor, copy: Tensor): Tensor {
    if (this.dependent.has(t.id)) this.dependent.add(copy.id);
    return copy;
  }

  dependsOnXs(t: Tensor): boolean { return this.dependent.has(t.id); }
}

const requests: GradientRequest[] = [];
/** The innermost request under way, if gradients are being asked for at all. */
export const currentRequest = (): GradientRequest | undefined => requests.at(-1);

function watchGradients(): void {
  const engine = tfjsEngine(), original = engine.gradients;
  engine.gradients = function watched(f, xs, dy, allowNoGradients) {
    requests.push(new GradientRequest(xs, this.state.nextScopeId));
    try { return original.call(this, f, xs, dy, allowNoGradients); } finally { requests.pop(); }
  };
}
watchGradients();
