/** The eye: image and text towers learn to tell which picture belongs to which caption (InfoNCE, Radford et al. 2021). */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tf, type Tensor, type TensorMap } from '../../main/engine/tf.ts';
import type { Executor, HostTensor } from '../../main/engine/backend/executor.ts';
import { clipForward, clipWeightShapes, parseClipConfig } from '../../main/engine/models/clip.ts';
import type { ModelContext } from '../../main/engine/models/context.ts';
import { eyeImage, eyeWeightShapes, unit, type EyeConfig } from '../../main/engine/models/eye.ts';
import { initWeights } from '../../main/engine/models/init.ts';
import type { ClipTokenizer } from '../../main/engine/models/tokenizer.ts';
import { integers, uniform } from '../../main/engine/random.ts';
import { imageSize, textEncoderConfig } from './configs.ts';
import { writeComponent } from './exportModel.ts';
import type { DrawnPicture } from './images.ts';
import { pretrain } from './pretrain.ts';
import { toFloats } from './vae.ts';

const batchSize = 64;
const seed = 3;
export const eyeConfig: EyeConfig = { image_size: imageSize, channels: [32, 64, 128, 192], norm_num_groups: 8, projection_dim: 64 };

/** Weights of both towers; the text tower's begin with "text.". */
function towers(vocabSize: number) {
  const json = textEncoderConfig(true, vocabSize);
  const text = parseClipConfig(json);
  const shapes = { ...eyeWeightShapes(eyeConfig), ...Object.fromEntries(Object.entries(clipWeightShapes(text)).map(([n, s]) => [`text.${n}`, s])) };
  const context = (prefix: string, w: (name: string) => Tensor): ModelContext => ({ w: (n) => w(prefix + n), has: (n) => prefix + n in shapes });
  return {
    json, shapes,
    image: (w: (name: string) => Tensor, image: Tensor) => eyeImage(context('', w), eyeConfig, image).embedding,
    text: (w: (name: string) => Tensor, ids: Tensor) => unit(clipForward(context('text.', w), text, ids).pooled),
  };
}

/** Mirrored half of the time and moved by up to 5 pixels on white, so that the eye knows things and not pixels. */
function moved(rgb: Uint8Array, [flip, ux, uy]: [number, number, number]): Uint8Array {
  const out = new Uint8Array(rgb.length).fill(255);
  const [dx, dy] = [Math.floor(ux * 11) - 5, Math.floor(uy * 11) - 5];
  for (let y = 0; y < imageSize; y++) {
    for (let x = 0; x < imageSize; x++) {
      const [sx, sy] = [(flip < 0.5 ? x : imageSize - 1 - x) + dx, y + dy];
      if (sx < 0 || sy < 0 || sx >= imageSize || sy >= imageSize) continue;
      for (let c = 0; c < 3; c++) out[(y * imageSize + x) * 3 + c] = rgb[(sy * imageSize + sx) * 3 + c]!;
    }
  }
  return out;
}

const idsOf = (tokenizer: ClipTokenizer, captions: string[]): HostTensor => ({ shape: [captions.length, 77], data: Int32Array.from(captions.flatMap((c) => [...tokenizer.encode(c)])) });

/** Mean of both directions' cross-entropies between pictures and captions of a batch. */
function contrastive(image: Tensor, text: Tensor, logScale: Tensor): { loss: Tensor; accuracy: Tensor } {
  const logits = tf.mul(tf.matMul(image as tf.Tensor2D, text as tf.Tensor2D, false, true), tf.exp(logScale));
  const own = tf.eye(batchSize);
  const entropy = (l: Tensor): Tensor => tf.neg(tf.mean(tf.sum(tf.mul(own, tf.logSoftmax(l)), 1)));
  const accuracy = tf.mean(tf.cast(tf.equal(tf.argMax(logits, 1), tf.range(0, batchSize, 1, 'int32')), 'float32'));
  return { loss: tf.mul(tf.add(entropy(logits), entropy(tf.transpose(logits))), 0.5), accuracy };
}

/** Share of the pictures whose own caption is nearest among all of theirs. */
async function retrieval(executor: Executor, tokenizer: ClipTokenizer, pictures: DrawnPicture[]): Promise<number> {
  const rows: Float32Array[] = [], captions: Float32Array[] = [];
  for (let i = 0; i < pictures.length; i += 20) {
    const part = pictures.slice(i, i + 20);
    const { image, text } = await executor.run('eye_20', { image: toFloats(part.map((p) => p.rgb)), ids: idsOf(tokenizer, part.map((p) => p.caption)) });
    const d = eyeConfig.projection_dim;
    for (let j = 0; j < part.length; j++) {
      rows.push(image!.data.slice(j * d, (j + 1) * d) as Float32Array);
      captions.push(text!.data.slice(j * d, (j + 1) * d) as Float32Array);
    }
  }
  const dot = (a: Float32Array, b: Float32Array): number => a.reduce((s, v, i) => s + v * b[i]!, 0);
  const right = rows.filter((r, i) => captions.every((c, j) => j === i || pictures[j]!.caption === pictures[i]!.caption || dot(r, c) < dot(r, captions[i]!)));
  return right.length / rows.length;
}

/** Trains the eye and writes it to `out`, with its retrieval accuracy on the held-out pictures. */
export async function trainEye(executor: Executor, dir: string, out: string, tokenizer: ClipTokenizer, training: DrawnPicture[], heldOut: DrawnPicture[], steps: number): Promise<void> {
  const { json, shapes, image, text } = towers(tokenizer.vocabSize);
  const inputs = (n: number) => ({ image: { shape: [n, imageSize, imageSize, 3], dtype: 'float32' as const }, ids: { shape: [n, 77], dtype: 'int32' as const } });
  executor.define('eye_20', inputs(20), (i, state) => {
    const w = (n: string): Tensor => state.get(`e/${n}`);
    return { outputs: { image: image(w, i['image']!), text: text(w, i['ids']!) } };
  });
  const evaluate = async () => ({ held_out_retrieval: await retrieval(executor, tokenizer, heldOut) });
  const weights = await pretrain({
    name: 'eye', dir: join(dir, 'eye'), steps, learningRate: 1e-3, warmup: 100, weightDecay: 0.05, emaDecay: 0.998, maxGradNorm: 1, checkpointEvery: 500,
    shapes, initial: () => initWeights(shapes, seed).set('logit_scale', Float32Array.of(Math.log(10))), inputs: inputs(batchSize),
    loss: (i: TensorMap, w) => {
      const { loss, accuracy } = contrastive(image(w, i['image']!), text(w, i['ids']!), tf.minimum(w('logit_scale'), Math.log(100)));
      return { loss, metrics: { accuracy } };
    },
    batch: (step) => {
      const chosen = [...integers({ seed, stream: 'order', step }, batchSize, 0, training.length)].map((i) => training[i]!);
      const u = uniform({ seed, stream: 'crop', step }, batchSize * 3);
      return { image: toFloats(chosen.map((p, b) => moved(p.rgb, [u[b * 3]!, u[b * 3 + 1]!, u[b * 3 + 2]!]))), ids: idsOf(tokenizer, chosen.map((p) => p.caption)) };
    },
    evaluate,
  }, executor);
  mkdirSync(out, { recursive: true });
  await writeComponent(out, { folder: '.', config: { _class_name: 'LplStudioEye', image: eyeConfig, text: json }, shapes, weight: (n) => weights[n]! });
  writeFileSync(join(out, 'accuracy.json'), `${JSON.stringify({ ...await evaluate(), held_out_pictures: heldOut.length, steps }, null, 2)}\n`);
}
