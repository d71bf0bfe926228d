/** Parity of the text encoders: hidden states, pooled output, and the pipeline's embeddings of prompt and negative prompt. */
import type { BackendChoice } from '../backend/select.ts';
import type { Executor, HostTensor, State } from '../backend/executor.ts';
import { clipForward, parseClipConfig, type ClipConfig } from '../models/clip.ts';
import { encodePromptSd15, encodePromptSdxl, type TextEncoder } from '../models/promptEncoder.ts';
import { loadTokenizer, type ClipTokenizer } from '../models/tokenizer.ts';
import { stateContext } from '../run/stateContext.ts';
import type { Tensor, TensorMap } from '../tf.ts';
import { hasSecondEncoder, readFixture, readJson, readWeights, type Weights } from './fixture.ts';
import { asInt, compareAll, declareWeights, onExecutor, runOnce } from './onExecutor.ts';
import { absentPart, lacking, TOLERANCE, type ParityFinding, type ParitySection } from './section.ts';

const PARTS = ['text_encoder', 'text_encoder_2'] as const;
const FILES = ['text.safetensors', 'text.json', ...PARTS.flatMap((p) => [`tiny-sdxl/${p}/config.json`, `tiny-sdxl/${p}/model.safetensors`]), ...['tokenizer', 'tokenizer_2'].flatMap((t) => [`tiny-sdxl/${t}/vocab.json`, `tiny-sdxl/${t}/merges.txt`])];

/** What each quantity is computed from: ids are in text.safetensors, the negative prompt in text.json. */
const NEEDS = {
  sdxl: {
    hidden_1: ['ids'], last_1: ['ids'], hidden_2: ['ids_2'], pooled_2: ['ids_2'], prompt_embeds: ['ids', 'ids_2'], pooled_prompt_embeds: ['ids', 'ids_2'],
    negative_prompt_embeds: ['negative_prompt'], negative_pooled_prompt_embeds: ['negative_prompt'],
  },
  sd15: { hidden_1: ['ids'], last_1: ['ids'], prompt_embeds: ['ids'], negative_prompt_embeds: ['negative_prompt'] },
} satisfies Record<string, Record<string, string[]>>;

interface Encoder { part: (typeof PARTS)[number]; config: ClipConfig; tokenizer: ClipTokenizer }

async function openEncoders(executor: Executor, dir: string): Promise<Encoder[]> {
  const parts = (await hasSecondEncoder(dir)) ? PARTS : PARTS.slice(0, 1);
  return Promise.all(parts.map(async (part) => {
    declareWeights(executor, part, await readWeights(`${dir}/tiny-sdxl/${part}/model.safetensors`));
    const tokenizer = await loadTokenizer({ kind: 'folder', folder: `${dir}/tiny-sdxl/${part.replace('text_encoder', 'tokenizer')}` });
    return { part, config: parseClipConfig(await readJson(`${dir}/tiny-sdxl/${part}/config.json`)), tokenizer };
  }));
}

/** Ids of the prompts as the fixture has them, and of the negative prompt from each tokenizer, [n,77]. */
function tokensOf(encoders: Encoder[], f: Weights, negative: string | undefined): Record<string, HostTensor> {
  const own = ['ids', 'ids_2'].slice(0, encoders.length);
  const given = own.filter((name) => f.has(name)).map((name): [string, HostTensor] => [name, asInt(f.get(name)!)]);
  const made = negative === undefined ? [] : encoders.map(({ tokenizer }, i): [string, HostTensor] => [`negative_${own[i]}`, { shape: [1, tokenizer.maxLength], data: Int32Array.from(tokenizer.encode(negative)) }]);
  return Object.fromEntries([...given, ...made]);
}

/** Every quantity that the ids allow. The negative prompt's are of one sample. */
function compute(encoders: Encoder[], state: State, ids: TensorMap): TensorMap {
  const [first, second] = encoders.map(({ part, config }): TextEncoder => ({ ctx: stateContext(state, part), config }));
  const prompt = (a: Tensor | undefined, b: Tensor | undefined) => (second ? a && b && encodePromptSdxl(first!, second, a, b) : a && encodePromptSd15(first!, a));
  const one = ids['ids'] && clipForward(first!.ctx, first!.config, ids['ids']), two = second && ids['ids_2'] && clipForward(second.ctx, second.config, ids['ids_2']);
  const positive = prompt(ids['ids'], ids['ids_2']), negative = prompt(ids['negative_ids'], ids['negative_ids_2']);
  const all = {
    hidden_1: one?.penultimate, last_1: one?.last, hidden_2: two?.penultimate, pooled_2: two?.pooled, prompt_embeds: positive?.states, pooled_prompt_embeds: positive?.pooled,
    negative_prompt_embeds: negative?.states, negative_pooled_prompt_embeds: negative?.pooled,
  };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, Tensor] => entry[1] !== undefined));
}

/** The same sample `n` times over. */
const repeated = ({ shape, data }: HostTensor, n: number): HostTensor => ({ shape: [n, ...shape.slice(1)], data: Float32Array.from({ length: n * data.length }, (_, i) => data[i % data.length]!) });

async function* check(section: string, executor: Executor, dir: string, f: Weights): AsyncGenerator<ParityFinding> {
  const encoders = await openEncoders(executor, dir);
  const { negative_prompt } = await readJson(`${dir}/text.json`) as { negative_prompt?: string };
  const there = new Set([...f.keys(), ...(negative_prompt === undefined ? [] : ['negative_prompt'])]);
  const needs: Record<string, string[]> = encoders.length === 2 ? NEEDS.sdxl : NEEDS.sd15;
  const lacks = new Map(Object.entries(needs).map(([name, from]) => [name, lacking(there, [name, ...from])]));
  const expected = [...f].filter(([name]) => !name.startsWith('ids') && !lacks.get(name)?.length);
  const inputs = tokensOf(encoders, f, negative_prompt);
  if (expected.length) {
    const got = await runOnce(executor, 'text', inputs, (ids, state) => ({ outputs: compute(encoders, state, ids) }));
    for (const [name, t] of expected) if (name.startsWith('negative') && got[name]) got[name] = repeated(got[name], t.shape[0]!);
    yield* compareAll(section, got, Object.fromEntries(expected), TOLERANCE.forward);
  }
  for (const [name, missing] of lacks) if (missing.length) yield absentPart(section, name, missing);
}

export async function* textParity(section: string, dir: string, backend: BackendChoice): AsyncGenerator<ParityFinding> {
  const f = await readFixture(dir, 'text');
  yield* onExecutor(backend, (executor) => check(section, executor, dir, f));
}

const sectionOn = (name: string, backend: BackendChoice): ParitySection => ({ name, files: FILES, run: (dir) => textParity(name, dir, backend) });

export const text = sectionOn('text, compiled', 'tensorflow');
export const textEager = sectionOn('text, op by op', 'tensorflow-eager');
