/** Data sets: from a folder of pictures to what training is given. Long work answers with a job's id. */
import { z } from 'zod';
import { bucketingSchema } from './datasetManifest.ts';
import { appErrorSchema } from './errors.ts';
import { done, id, method, nothing, startedJob, time } from './method.ts';

export const datasetFlags = ['unreadable', 'too-small', 'extreme-aspect', 'exact-duplicate', 'near-duplicate', 'blurred', 'flat', 'no-caption', 'caption-too-long', 'same-caption', 'duplicate-tags'] as const;
export const datasetFlagSchema = z.enum(datasetFlags);
export type DatasetFlag = z.output<typeof datasetFlagSchema>;

const colour = z.string().regex(/^#[0-9a-f]{6}$/, 'a colour as #rrggbb');
export const datasetSettingsSchema = z.strictObject({
  /** how pictures are shown here; a run brings its own resolution */
  bucketing: bucketingSchema.prefault({}),
  /** transparent pixels are flattened on this */
  background: colour.default('#ffffff'),
  /** caption column of metadata files; null: text, caption, prompt */
  caption_column: z.string().max(200).nullable().default(null),
  /** variance of the Laplacian (at ≤ 320 px a side) below which a picture counts as blurred */
  sharpness_threshold: z.number().min(0).default(30),
  /** share of the commonest colour from which a picture counts as flat */
  flat_threshold: z.number().min(0).max(1).default(0.97),
  /** longer side / shorter side from which a shape counts as extreme */
  extreme_aspect: z.number().min(1).default(2.5),
  /** tokens of a caption that the text encoders read (77 less the two that mark beginning and end) */
  token_limit: z.int().min(1).default(75),
  /** write sidecars after every edit */
  autosave: z.boolean().default(false),
  caption_view: z.enum(['tags', 'prose']).default('tags'),
  /** tags on the keys 1–9 */
  favourites: z.array(z.string().max(200)).max(9).default([]),
});
export type DatasetSettings = z.output<typeof datasetSettingsSchema>;

const counts = z.object({ pictures: z.int(), included: z.int(), excluded: z.int(), unreadable: z.int(), validation: z.int(), unsaved: z.int(), conflicts: z.int() });
export const datasetSchema = z.object({
  id, name: z.string(), source: z.enum(['folder', 'zip', 'files']), origin: z.string(), root: z.string(), settings: datasetSettingsSchema,
  created_at: time, scanned_at: time.nullable(),
  /** the folder is where it was */
  available: z.boolean(),
  counts,
  /** the job that reads it just now; null: none */
  job_id: id.nullable(),
  /** why the last reading of it failed; null: it did not */
  problem: appErrorSchema.nullable(),
  /** what Ctrl-Z and Ctrl-Shift-Z would do; null: nothing */
  undo: z.string().nullable(), redo: z.string().nullable(),
});
export type Dataset = z.output<typeof datasetSchema>;

const box = z.tuple([z.int(), z.int(), z.int(), z.int()]);
export const cropPlaceSchema = z.strictObject({ /** centre as a share of the upright picture */ cx: z.number().min(0).max(1), cy: z.number().min(0).max(1) });
export const datasetItemSchema = z.object({
  id: z.int(), file: z.string(), content_hash: z.string().nullable(), format: z.string().nullable(), bytes: z.number(),
  /** upright size, px; null: unreadable */
  width: z.int().nullable(), height: z.int().nullable(), orientation: z.int().nullable(), alpha: z.boolean(), profile: z.string().nullable(), animated: z.boolean(),
  bucket: z.tuple([z.int(), z.int()]).nullable(), crop: box.nullable(), crop_place: cropPlaceSchema.nullable(),
  captions: z.array(z.string()), caption_source: z.string(), caption_note: z.string().nullable(),
  /** of the longest alternative; null: not counted yet */
  tokens: z.int().nullable(), unsaved: z.boolean(),
  /** what the caption file on disk says now, when it changed under an unsaved edit */
  conflict: z.array(z.string()).nullable(),
  sharpness: z.number().nullable(), flatness: z.number().nullable(),
  flags: z.array(datasetFlagSchema), /** one sentence per flag, in the same order */ reasons: z.array(z.string()),
  duplicate_of: z.int().nullable(), near_group: z.int().nullable(),
  excluded: z.boolean(), excluded_reason: z.string().nullable(),
  repeats: z.int(), class_tokens: z.string(), prior: z.boolean(), weight: z.number(), flip: z.boolean(), split: z.enum(['train', 'validation']),
});
export type DatasetItem = z.output<typeof datasetItemSchema>;

const query = z.string().max(2_000).default('');
/** Which pictures: by id, or all that a filter finds. */
export const targetSchema = z.union([z.strictObject({ ids: z.array(z.int()).max(200_000) }), z.strictObject({ query: z.string().max(2_000) })]);
export type Target = z.output<typeof targetSchema>;

const tag = z.string().trim().min(1).max(500);
const tags = z.array(tag).min(1).max(200);
const end = z.enum(['start', 'end']);
/** Every change of a data set that can be undone. */
export const datasetChangeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('captions'), captions: z.array(z.string().max(20_000)).max(200) }),
  z.strictObject({ kind: z.literal('add_tags'), tags, at: end.default('end') }),
  z.strictObject({ kind: z.literal('remove_tags'), tags }),
  z.strictObject({ kind: z.literal('rename_tag'), from: tag, to: z.string().trim().max(500) }),
  z.strictObject({ kind: z.literal('move_tags'), tags, at: end }),
  z.strictObject({ kind: z.literal('sort_tags') }),
  z.strictObject({ kind: z.literal('unique_tags') }),
  z.strictObject({ kind: z.literal('trigger'), text: tag }),
  z.strictObject({ kind: z.literal('replace'), find: z.string().min(1).max(2_000), replace: z.string().max(20_000), regex: z.boolean().default(false), case_sensitive: z.boolean().default(true) }),
  z.strictObject({ kind: z.literal('exclude'), reason: z.string().max(500).default('excluded by hand') }),
  z.strictObject({ kind: z.literal('include') }),
  z.strictObject({ kind: z.literal('repeats'), repeats: z.int().min(1).max(100_000) }),
  z.strictObject({ kind: z.literal('class_tokens'), text: z.string().max(500) }),
  z.strictObject({ kind: z.literal('prior'), prior: z.boolean() }),
  z.strictObject({ kind: z.literal('weight'), weight: z.number().min(0).max(100) }),
  z.strictObject({ kind: z.literal('flip'), flip: z.boolean() }),
  z.strictObject({ kind: z.literal('crop'), place: cropPlaceSchema.nullable() }),
  z.strictObject({ kind: z.literal('split'), split: z.enum(['train', 'validation']) }),
]);
export type DatasetChange = z.output<typeof datasetChangeSchema>;

/** Result of the job of datasets.roundtrip. `latent`: height, width, channels. */
export const roundTripSchema = z.object({ media: z.string(), width: z.int(), height: z.int(), model_id: id, latent: z.tuple([z.int(), z.int(), z.int()]), psnr: z.number().nullable() });

export const datasetVersionSchema = z.object({ id, dataset_id: id, number: z.int(), name: z.string(), hash: z.string(), items: z.int(), created_at: time });
export type DatasetVersion = z.output<typeof datasetVersionSchema>;

const sort = z.enum(['name', 'sharpness', 'flatness', 'tokens', 'width', 'height', 'area', 'aspect', 'bytes']).default('name');
const problem = z.object({ file: z.string(), code: z.string(), reason: z.string() });
const edited = z.object({ /** pictures that changed */ changed: z.int(), dataset: datasetSchema });
const itemPage = z.object({ total: z.int(), items: z.array(datasetItemSchema) });
const page = { offset: z.int().min(0).default(0), limit: z.int().min(1).max(1_000).default(200) };
const name = z.string().trim().min(1, 'a name is needed').max(200);

export const datasetMethods = {
  'datasets.list': method('All data sets, newest first.', nothing, z.array(datasetSchema)),
  'datasets.get': method('One data set with its counts.', z.strictObject({ id }), datasetSchema),
  'datasets.drop': method('Opens a drop: files that a browser hands over without their places. They are sent to "/drop/<drop>/<relative path>", then datasets.import takes `drop`.', nothing, z.object({ drop: id })),
  'datasets.import': method('Makes a data set of a folder, a zip, single pictures, or an open drop; a job reads them. Nothing is copied or changed; a zip is unpacked into the app\'s data folder.', z.strictObject({ paths: z.array(z.string().min(1)).max(10_000).default([]), drop: id.optional(), name: name.optional(), settings: z.record(z.string(), z.unknown()).default({}) }).refine((p) => (p.paths.length > 0) !== (p.drop !== undefined), 'either paths or a drop'), startedJob.extend({ dataset_id: id })),
  'datasets.rescan': method('Reads the folder again: new, changed and vanished pictures, captions changed on disk.', z.strictObject({ id }), startedJob),
  'datasets.relocate': method('The folder moved: looks for every picture below the new path, by content.', z.strictObject({ id, path: z.string().min(1) }), startedJob),
  'datasets.rename': method('Renames a data set in the list.', z.strictObject({ id, name }), datasetSchema),
  'datasets.delete': method('Takes a data set off the list with its edits; pictures and caption files stay.', z.strictObject({ id }), done),
  'datasets.settings': method('Changes the settings that are given.', z.strictObject({ id, changes: z.record(z.string(), z.unknown()) }), datasetSchema),
  'datasets.items': method('A page of the pictures that a filter finds. A filter that cannot be read: dataset.query, with the place.', z.strictObject({ id, query, sort, descending: z.boolean().default(false), ...page }), itemPage),
  'datasets.ids': method('The ids of all pictures that a filter finds, in the same order as datasets.items.', z.strictObject({ id, query, sort, descending: z.boolean().default(false) }), z.array(z.int())),
  'datasets.item': method('One picture, with its captions cut into what the text encoder reads and what it does not.', z.strictObject({ id, item_id: z.int() }), datasetItemSchema.extend({ pieces: z.array(z.object({ read: z.string(), cut: z.string(), tokens: z.int() })), /** absolute path */ path: z.string() })),
  'datasets.summary': method('What is in it: issues, folders, what the scan passed over; and what training takes of it, cut as it is shown or with `bucketing` as a run cuts it.', z.strictObject({ id, bucketing: bucketingSchema.optional() }), z.object({
    flags: z.record(datasetFlagSchema, z.int()),
    /** of the pictures trained on */
    buckets: z.array(z.object({ width: z.int(), height: z.int(), pictures: z.int(), samples: z.int(), /** fewer pictures than a batch would need */ lonely: z.boolean() })),
    folders: z.array(z.object({ folder: z.string(), pictures: z.int(), repeats: z.int().nullable(), class_tokens: z.string().nullable(), prior: z.boolean() })),
    notes: z.array(problem), samples_per_epoch: z.int(), /** included pictures that training leaves out, being too small */ too_small: z.int(), /** included pictures that training takes, and that are held out */ trained: z.int(), held_out: z.int(), /** the largest usual resolution for which nine in ten are large enough */ fits: z.int(), columns: z.array(z.string()),
    formats: z.array(z.object({ format: z.string(), pictures: z.int() })),
  })),
  'datasets.groups': method('Groups of equal and nearly equal pictures, each with the one worth keeping.', z.strictObject({ id }), z.array(z.object({ keep: z.int(), items: z.array(z.int()), /** file and size in px of each, in the order of `items` */ about: z.array(z.object({ file: z.string(), width: z.int(), height: z.int(), excluded: z.boolean() })) }))),
  'datasets.tags': method('Tags of the pictures that a filter finds, most frequent first; those that begin with a text first, for completion.', z.strictObject({ id, query, prefix: z.string().max(200).default(''), limit: z.int().min(1).max(10_000).default(500) }), z.array(z.object({ tag: z.string(), count: z.int() }))),
  'datasets.preview': method('What a change would do, without doing it: how many pictures, and the first of them before and after.', z.strictObject({ id, target: targetSchema, change: datasetChangeSchema, limit: z.int().min(1).max(1_000).default(200) }), z.object({ changed: z.int(), items: z.array(z.object({ id: z.int(), file: z.string(), before: z.array(z.string()), after: z.array(z.string()) })) })),
  'datasets.edit': method('Changes pictures; one step of undo.', z.strictObject({ id, target: targetSchema, change: datasetChangeSchema }), edited),
  'datasets.keepBest': method('Excludes all but the best of every group of duplicates; one step of undo.', z.strictObject({ id }), edited),
  'datasets.undo': method('Takes the last change back.', z.strictObject({ id }), edited),
  'datasets.redo': method('Does it again.', z.strictObject({ id }), edited),
  'datasets.history': method('Changes, newest first; `undone` ones can be done again.', z.strictObject({ id, limit: z.int().min(1).max(1_000).default(100) }), z.array(z.object({ label: z.string(), at: time, pictures: z.int(), undone: z.boolean() }))),
  'datasets.save': method('Writes edited captions to their caption files. Files that changed meanwhile are not written but become conflicts.', z.strictObject({ id, ids: z.array(z.int()).optional() }), z.object({ saved: z.int(), conflicts: z.int(), problems: z.array(problem), dataset: datasetSchema })),
  'datasets.resolve': method('Settles a conflict: keep the captions edited here, or take those on disk.', z.strictObject({ id, item_id: z.int(), keep: z.enum(['mine', 'disk']) }), edited),
  'datasets.split': method('Draws a validation set by seed. Near-duplicates stay together; pictures drawn before keep their side unless `redraw`.', z.strictObject({ id, fraction: z.number().min(0).max(0.9), seed: z.int().min(0).max(4_294_967_295).default(42), redraw: z.boolean().default(false) }), edited.extend({ train: z.int(), validation: z.int() })),
  'datasets.snapshot': method('Freezes the data set as a version; the same content again gives the same version.', z.strictObject({ id, name: z.string().trim().max(200).default('') }), datasetVersionSchema),
  'datasets.versions': method('Versions of a data set, newest first.', z.strictObject({ id }), z.array(datasetVersionSchema)),
  'datasets.ofRun': method('The data set and version that a run used; null: it read a folder, or has not begun.', z.strictObject({ run_id: id }), z.object({ dataset_id: id, version_id: id }).nullable()),
  'datasets.version': method('The pictures of a version, exactly as they were.', z.strictObject({ version_id: id, ...page }), itemPage),
  'datasets.restore': method('Makes the data set as it was in a version; one step of undo.', z.strictObject({ version_id: id }), edited),
  'datasets.roundtrip': method('Sends a picture, cut as training sees it, through a model\'s VAE and back; a job whose result names the decoded picture (media kind "roundtrip") and what was lost (PSNR in dB, null: nothing).', z.strictObject({ id, item_id: z.int(), model_id: id }), startedJob),
  'datasets.export': method('Copies the included pictures and their captions into an empty folder, or a zip: a Hugging Face imagefolder, or kohya folders.', z.strictObject({ id, version_id: id.optional(), format: z.enum(['imagefolder', 'kohya']), zip: z.boolean().default(false), target: z.string().min(1) }), startedJob),
} as const;
