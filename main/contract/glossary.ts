/** The field's words in plain ones: shown where they are met, listed in the window ("What the words mean") and in docs/run-settings.md. */
export interface Word { term: string; /** further spellings that mean the same */ also?: readonly string[]; text: string }

export const glossary: readonly Word[] = [
  { term: 'A/A', text: 'The baseline trained a second time with another seed. What differs between the two is chance, so LPL has to differ by more.' },
  { term: 'Baseline', text: 'The same training without LPL: what LPL is compared with.' },
  { term: 'Batch', also: ['batches'], text: 'The pictures that one forward pass works on together. More need more memory and make steps steadier.' },
  { term: 'Bucket', also: ['buckets'], text: 'Pictures of one shape and size. Each picture goes into the bucket nearest to its own shape, so that little is cut off.' },
  { term: 'Checkpoint', also: ['checkpoints'], text: 'Everything a run needs to go on exactly where it was, saved to disk and read back.' },
  { term: 'CLIP', also: ['text encoder', 'text encoders'], text: 'The part of the model that turns a caption into numbers for the UNet. SDXL has two.' },
  { term: 'EMA', also: ['exponential moving average'], text: 'A slow average of the weights while they are trained. It is often a little better than the last step alone.' },
  { term: 'Epsilon', also: ['v-prediction'], text: 'What a model was taught to predict: the noise (epsilon), or a mix of noise and picture (v-prediction). It belongs to the model; training must use the same.' },
  { term: 'Fréchet', also: ['FID'], text: 'A distance between two sets of pictures, as an image model sees them: 0 is alike. It needs many pictures; with few, KID is fairer.' },
  { term: 'Gradient', also: ['gradients'], text: 'In which direction, and how strongly, each weight should change. Its norm is its length: sudden peaks are a sign of trouble.' },
  { term: 'Guidance', also: ['classifier-free guidance'], text: 'How strongly a picture follows its prompt. Too much makes colours harsh.' },
  { term: 'KID', text: 'Kernel Inception Distance: how far the drawn pictures are from real ones, as an image model sees them. 0 is alike, lower is better, and unlike FID it is fair with few pictures.' },
  { term: 'Latent', also: ['latents'], text: 'A picture as the VAE writes it: eight times smaller on each side, with 4 channels. The UNet is trained on latents.' },
  { term: 'LoRA', text: 'Low-rank adaptation: instead of all weights only a small addition to them is trained. The file has megabytes, and other programs load it on top of the base model.' },
  { term: 'LPL', also: ['Latent Perceptual Loss'], text: 'Latent Perceptual Loss: predicted and true latent both go into the VAE decoder, and what its layers see is compared. It aims at sharper detail and costs time.' },
  { term: 'Rank', text: 'How much a LoRA can learn: the size of its addition to each layer. A larger one makes a larger file.' },
  { term: 'Sampler', text: 'The recipe by which noise becomes a picture, step by step.' },
  { term: 'Seed', also: ['seeds'], text: 'A number from which all chance is drawn. The same seed gives the same noise, so two runs can be compared.' },
  { term: 'SNR', also: ['min-SNR'], text: 'Signal-to-noise ratio: how much picture is left at a timestep. Min-SNR keeps the easy, almost clean timesteps from dominating.' },
  { term: 'Timestep', also: ['timesteps'], text: 'How much noise was added to a picture, from 0 (almost clean) to 999 (all noise). Each training sample draws one.' },
  { term: 'Token', also: ['tokens'], text: 'A piece of a word. The text encoders read 75 of them; what comes after is cut off.' },
  { term: 'UNet', text: 'The part of the model that removes noise, and so draws. It is what fine-tuning changes.' },
  { term: 'VAE', text: 'Variational autoencoder: the part that turns pictures into latents (encoder) and latents into pictures (decoder).' },
];

const escaped = (word: string): string => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const spelled = new Map(glossary.flatMap((w) => [w.term, ...(w.also ?? [])].map((s) => [s.toLowerCase(), w] as const)));
const finder = new RegExp(`(?<![\\p{L}\\d-])(${[...spelled.keys()].sort((a, b) => b.length - a.length).map(escaped).join('|')})(?![\\p{L}\\d])`, 'giu');

export interface Piece { text: string; word?: Word }
/** Cuts a text at the words the glossary knows; each is marked once, where it first stands. */
export function explain(text: string): Piece[] {
  const pieces: Piece[] = [];
  const met = new Set<Word>();
  let at = 0;
  for (const match of text.matchAll(finder)) {
    const word = spelled.get(match[0].toLowerCase())!;
    if (met.has(word)) continue;
    met.add(word);
    if (match.index > at) pieces.push({ text: text.slice(at, match.index) });
    pieces.push({ text: match[0], word });
    at = match.index + match[0].length;
  }
  if (at < text.length) pieces.push({ text: text.slice(at) });
  return pieces;
}
