/**
 * A person's own image model as feature space: CLIP's, Inception's or another, as an ONNX file, run by ONNX Runtime on the CPU. Prompts are compared
 * with pictures where it is a whole CLIP, or a text_model.onnx lies beside it.
 */
import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { AppError } from '../../contract/errors.ts';
import { hashFile } from '../checkpoint/writeSafetensors.ts';
import { loadTokenizer, type ClipTokenizer } from '../models/tokenizer.ts';
import type { FeatureSpace, FeatureSpaceInfo } from './featureSpace.ts';
import { onnxPixels, readPreprocessing, type Preprocessing } from './onnxPreprocessing.ts';

type Runtime = typeof import('onnxruntime-common');
type Outputs = InferenceSession.OnnxValueMapType;

/** An optional dependency: there are machines without it. */
function runtime(): Runtime {
  try { return createRequire(import.meta.url)('onnxruntime-node') as Runtime; } catch (error) {
    throw new AppError('evaluation.onnx_missing', `ONNX Runtime does not start here: ${(error as Error).message}`, 'Install it ("npm install onnxruntime-node"), or take the ONNX model out of the settings.');
  }
}

async function openSession({ InferenceSession }: Runtime, file: string): Promise<InferenceSession> {
  if (!existsSync(file) || !statSync(file).isFile()) throw new AppError('evaluation.onnx_no_file', `There is no ONNX model ${file}.`, 'Choose the .onnx file again under Settings, or take it out there.', { file });
  try { return await InferenceSession.create(file); } catch (error) {
    throw new AppError('evaluation.onnx_damaged', `${basename(file)} is no model that ONNX Runtime opens: ${(error as Error).message}`, 'Choose a whole .onnx file (with its .onnx_data beside it, where it has one).', { file });
  }
}

/** The features [C] that a model gives for one picture: a vector as it is, positions averaged (tokens [1,T,C] or a map [1,C,H,W]). */
function vectorOf({ dims, data }: Tensor): Float32Array {
  const values = data as Float32Array;
  if (dims.length <= 2) return Float32Array.from(values);
  const map = dims.length === 4, channels = dims[map ? 1 : dims.length - 1]!, positions = values.length / channels;
  return Float32Array.from({ length: channels }, (_, c) => { let sum = 0; for (let p = 0; p < positions; p++) sum += values[map ? c * positions + p : p * channels + c]!; return sum / positions; });
}

const unit = (v: Float32Array): Float32Array => { const norm = Math.hypot(...v) || 1; return v.map((x) => x / norm); };
const firstOf = (outputs: Outputs, names: string[]): Tensor => (names.map((n) => outputs[n]).find((t) => t !== undefined) ?? Object.values(outputs)[0]) as Tensor;

/** A CLIP's inputs from pixels and token ids, whichever of them it takes. */
function inputsOf({ Tensor }: Runtime, { inputNames }: InferenceSession, pixels: Float32Array | null, side: number, ids: Int32Array | null): Record<string, Tensor> {
  const whole = (values: Int32Array): Tensor => new Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
  return Object.fromEntries(inputNames.flatMap((name): [string, Tensor][] => {
    if (name === 'input_ids') return [[name, whole(ids ?? new Int32Array(77))]];
    if (name === 'attention_mask') return [[name, whole(new Int32Array(ids?.length ?? 77).fill(1))]];
    return [[name, new Tensor('float32', pixels ?? new Float32Array(3 * side * side), [1, 3, side, side])]];
  }));
}

interface Parts { ort: Runtime; image: InferenceSession; text: InferenceSession | null; tokenizer: ClipTokenizer | null; how: Preprocessing; file: string }

async function openParts(file: string): Promise<Parts> {
  const ort = runtime(), image = await openSession(ort, file), beside = join(dirname(file), 'text_model.onnx');
  const text = image.inputNames.includes('input_ids') ? image : existsSync(beside) ? await openSession(ort, beside) : null;
  const folder = [dirname(file), dirname(dirname(file))].find((dir) => existsSync(join(dir, 'vocab.json')) && existsSync(join(dir, 'merges.txt')));
  return { ort, image, text, tokenizer: text && await loadTokenizer(folder ? { kind: 'folder', folder } : { kind: 'builtin', padToken: '<|endoftext|>' }), how: readPreprocessing(file), file };
}

async function run(parts: Parts, session: InferenceSession, pixels: Float32Array | null, ids: Int32Array | null): Promise<Outputs> {
  try { return await session.run(inputsOf(parts.ort, session, pixels, parts.how.side, ids)); } catch (error) {
    throw new AppError('evaluation.onnx_failed', `${basename(parts.file)} does not take pictures of ${parts.how.side} px: ${(error as Error).message}`,
      parts.how.file ? `Correct ${parts.how.file}.` : 'Put the preprocessor_config.json that came with the model beside it; it says what size the model wants.', { file: parts.file });
  }
}

const featuresOf = async (parts: Parts, pixels: Float32Array): Promise<Float32Array> => vectorOf(firstOf(await run(parts, parts.image, pixels, null), ['image_embeds', 'pooler_output']));

/** Models that find or mark something (a saliency map, a text detector) give one or two numbers when averaged; any KID of those would look fine and mean nothing. */
const LEAST_FEATURES = 3;

async function infoOf(parts: Parts): Promise<FeatureSpaceInfo> {
  const { side, file } = parts.how, dimensions = (await featuresOf(parts, new Float32Array(3 * side * side))).length;
  if (dimensions < LEAST_FEATURES) throw new AppError('evaluation.onnx_no_features', `${basename(parts.file)} gives ${dimensions === 1 ? 'one number' : `${dimensions} numbers`} a picture: a map or a mark, no features to compare pictures by.`, 'Choose an image encoder, such as CLIP\'s vision model or Inception.', { file: parts.file });
  return { id: 'onnx', title: `${basename(parts.file)} (ONNX, ${side} px${file ? '' : ', pictures prepared as for CLIP'})`, sha256: await hashFile(parts.file), dimensions };
}

/** What the space is. Throws evaluation.onnx_*. */
export async function onnxInfo(file: string): Promise<FeatureSpaceInfo> {
  const parts = await openParts(file);
  try { return await infoOf(parts); } finally { await release(parts); }
}

async function release({ image, text }: Parts): Promise<void> {
  await image.release();
  if (text && text !== image) await text.release();
}

/** Loads it. Throws evaluation.onnx_*. */
export async function openOnnx(file: string): Promise<FeatureSpace> {
  const parts = await openParts(file), { text, tokenizer } = parts;
  return {
    info: await infoOf(parts),
    async picture(pixels, size) {
      const features = await featuresOf(parts, await onnxPixels(pixels, size, parts.how));
      return { features, embedding: text ? unit(features) : null };
    },
    text: async (prompt) => (text && tokenizer ? unit(vectorOf(firstOf(await run(parts, text, null, tokenizer.encode(prompt)), ['text_embeds', 'pooler_output']))) : null),
    dispose: () => { void release(parts); },
  };
}
