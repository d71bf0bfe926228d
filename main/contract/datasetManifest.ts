/**
 * What a training run reads of a data set: `dataset.json` in the run's folder, written by main/datasets, read by
 * engine/data. It is the whole truth about the data: which files, cut how, with which captions, how often, and what
 * was left out and why.
 *
 * Decoding recipe (both sides follow it, so that what the person saw is what is trained):
 *   sharp(file, { failOn: 'error', limitInputPixels: 256e6 }) → autoOrient → sRGB from the embedded profile → flatten on `background`
 *   → extract `crop` (pixels of the upright picture) → resize to `bucket`, kernel lanczos3, fit fill → 8-bit RGB.
 */
import { z } from 'zod';

const side = z.int().min(1);

export const bucketingSchema = z.strictObject({
  /** side of the square whose area every bucket has at most, px */
  resolution: z.int().min(16).default(1024),
  /** false: one square bucket */
  buckets: z.boolean().default(true),
  /** bucket sides are multiples of this, px */
  bucket_step: z.int().min(8).default(64),
  min_bucket_side: z.int().min(8).default(256),
  max_bucket_side: z.int().min(8).default(2048),
  /** enlarge pictures that are smaller than their bucket */
  upscale: z.boolean().default(false),
});
export type Bucketing = z.output<typeof bucketingSchema>;
/** How a run cuts its pictures, of its settings on data. */
export const bucketingOf = ({ resolution, buckets, bucket_step, min_bucket_side, max_bucket_side, upscale }: Bucketing): Bucketing =>
  bucketingSchema.parse({ resolution, buckets, bucket_step, min_bucket_side, max_bucket_side, upscale });

export const manifestItemSchema = z.strictObject({
  /** stable within the data set */
  id: z.int(),
  /** absolute path */
  file: z.string(),
  /** path as the data set shows it, "/" between folders: for messages */
  name: z.string(),
  /** sha256 of the file's bytes, hex; the key of latent caches */
  contentHash: z.string(),
  /** alternatives, one is chosen per step; empty list: trained without a caption */
  captions: z.array(z.string()),
  /** how often an epoch shows the picture */
  repeats: z.int().min(1),
  /** [width, height] in px */
  bucket: z.tuple([side, side]),
  /** [x, y, width, height] in px of the upright picture */
  crop: z.tuple([z.int().min(0), z.int().min(0), side, side]),
  /** true where the person placed the crop: random cropping must leave it alone */
  cropFixed: z.boolean(),
  /** size of the upright picture, px */
  width: side,
  height: side,
  /** random mirroring allowed for this picture */
  flip: z.boolean(),
  /** multiplies the sample's loss */
  weight: z.number().min(0),
  /** belongs to a regularisation / prior-preservation set */
  prior: z.boolean(),
  split: z.enum(['train', 'validation']),
});
export type ManifestItem = z.output<typeof manifestItemSchema>;

export const datasetManifestSchema = z.strictObject({
  format: z.literal('lpl-dataset'),
  version: z.literal(1),
  dataset: z.strictObject({
    id: z.string(), name: z.string(), versionId: z.string(), versionNumber: z.int(),
    /** sha256 over the version's content: equal data, equal hash */
    hash: z.string(),
  }),
  bucketing: bucketingSchema,
  /** colour that transparent pixels are flattened on, "#rrggbb" */
  background: z.string().regex(/^#[0-9a-f]{6}$/),
  /** ordered by name, then id: data order may rely on it */
  items: z.array(manifestItemSchema),
  left_out: z.array(z.strictObject({ name: z.string(), reason: z.string() })),
});
export type DatasetManifest = z.output<typeof datasetManifestSchema>;
