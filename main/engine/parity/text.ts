/** Parity of the text encoders: hidden states, pooled output, and the pipeline's embeddings of prompt and negative prompt. */
import type { BackendChoice } from '../backend/select.ts';
import type { Executor, HostTensor } from '../backend/executor.ts';
import { clipForward, parseClipConfig } from '../models/clip.ts';
import { encodePromptSdxl, type TextEncoder } from '../models/promptEncoder.ts';
import { loadTokenizer, type ClipTokenizer } from '../models/tokenizer.ts';
import { stateContext } from '../run/stateContext.ts';
import { readFixture, readJson, readWeights, type Weights } from './fixture.ts';
import { asInt, compareAll, declareWeights, onExecutor, pick, runOnce } from './onExecutor.ts';
import { TOLERANCE, type ParityResult, type ParitySection } from './section.ts';

const PARTS = ['text_encoder', 'text_encoder_2'] as const;
const FILES = ['text.safetensors', 'text.json', ...PARTS.flatMap((p) => [`tiny-sdxl/${p}/config.json`, `tiny-sdxl/${p}/model.safetensors`]), ...['tokenizer', 'tokenizer_2'].flatMap((t) => [`tiny-sdxl/${t}/vocab.json`, `tiny-sdxl/${t}/merges.txt`])];

/** Ids of the same text for a batch of `n`. */
const repeated = (tokenizer: ClipTokenizer, text: string, n: number): HostTensor =>
  ({ shape: [n, tokenizer.maxLength], data: Int32Array.from(Array.from({ length: n }, () => [...tokenizer.encode(text)]).flat()) });

async function* check(section: string, executor: Executor, dir: string, f: Weights): AsyncGenerator<ParityResult> {
  const [first, second] = await Promise.all(PARTS.map(async (part) => {
    declareWeights(executor, part, await readWeights(`${dir}/tiny-sdxl/${part}/model.safetensors`));
    return parseClipConfig(await readJson(`${dir}/tiny-sdxl/${part}/config.json`));
  }));
  const [tokens, tokens2] = await Promise.all(['tokenizer', 'tokenizer_2'].map((t) => loadTokenizer({ kind: 'folder', folder: `${dir}/tiny-sdxl/${t}` })));
  const { ids, ids_2 } = pick(f, ['ids', 'ids_2']);
  const { negative_prompt } = await readJson(`${dir}/text.json`) as { negative_prompt: string };
  const n = ids!.shape[0]!;
  const got = await runOnce(executor, 'text', { ids: asInt(ids!), ids2: asInt(ids_2!), negative: repeated(tokens!, negative_prompt, n), negative2: repeated(tokens2!, negative_prompt, n) }, (inputs, state) => {
    const a: TextEncoder = { ctx: stateContext(state, 'text_encoder'), config: first! }, b: TextEncoder = { ctx: stateContext(state, 'text_encoder_2'), config: second! };
    const one = clipForward(a.ctx, a.config, inputs['ids']!), two = clipForward(b.ctx, b.config, inputs['ids2']!);
    const prompt = encodePromptSdxl(a, b, inputs['ids']!, inputs['ids2']!), not = encodePromptSdxl(a, b, inputs['negative']!, inputs['negative2']!);
    return { outputs: {
      hidden_1: one.penultimate, last_1: one.last, hidden_2: two.penultimate, pooled_2: two.pooled, prompt_embeds: prompt.states,
      pooled_prompt_embeds: prompt.pooled, negative_prompt_embeds: not.states, negative_pooled_prompt_embeds: not.pooled,
    } };
  });
  yield* compareAll(section, got, pick(f, [...f.keys()].filter((k) => !k.startsWith('ids'))), TOLERANCE.forward);
}

export async function* textParity(section: string, dir: string, backend: BackendChoice): AsyncGenerator<ParityResult> {
  const f = await readFixture(dir, 'text');
  yield* onExecutor(backend, (executor) => check(section, executor, dir, f));
}

const sectionOn = (name: string, backend: BackendChoice): ParitySection => ({ name, files: FILES, run: (dir) => textParity(name, dir, backend) });

export const text = sectionOn('text, compiled', 'tensorflow');
export const textEager = sectionOn('text, op by op', 'tensorflow-eager');
