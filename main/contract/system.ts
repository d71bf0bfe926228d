/** Everything around the work: jobs, settings, presets, the machine, choosing files, and what only a desktop shell can do. */
import { z } from 'zod';
import { appErrorSchema } from './errors.ts';
import { done, id, method, nothing, startedJob, time } from './method.ts';

export const jobSchema = z.object({
  id, kind: z.string(), title: z.string(), state: z.enum(['running', 'done', 'failed', 'cancelled']),
  text: z.string(), done: z.number(), total: z.number(), eta_s: z.number().nullable(),
  result: z.unknown(), error: appErrorSchema.nullable(), created_at: time, ended_at: time.nullable(),
});
export type Job = z.output<typeof jobSchema>;

export const settingsSchema = z.strictObject({
  theme: z.enum(['system', 'light', 'dark']).default('system'),
  /** runs that may train at the same time */
  parallel_runs: z.int().min(1).max(8).default(1),
  /** minutes without a sign of life after which a training process counts as hung; 0: never */
  hang_minutes: z.number().min(0).max(1_440).default(30),
  /** what closing the window does while a run trains */
  on_close: z.enum(['ask', 'background', 'stop', 'cancel']).default('ask'),
  notifications: z.boolean().default(true),
  /** an ONNX image model (CLIP, Inception, …) that comparisons measure pictures with; empty: the built-in one */
  feature_model: z.string().max(4_000).default(''),
  /** where the app was last served to a browser, and is again where that is free; 0: nowhere yet */
  port: z.int().min(0).max(65_535).default(0),
  /** free text that the window keeps for itself: open panels, sizes, last choices */
  ui: z.record(z.string(), z.unknown()).default({}),
});
export type Settings = z.output<typeof settingsSchema>;

export const doctorSchema = z.object({
  ok: z.boolean(),
  backend: z.string(), tensorflow: z.string().nullable(), node: z.string(), platform: z.string(), cpu: z.string(), cores: z.int(),
  memory_mb: z.number(), memory_free_mb: z.number(), disk_free_mb: z.number(), data_folder: z.string(),
  devices: z.array(z.object({ name: z.string(), kind: z.string(), memory_mb: z.number().nullable() })),
  speeds: z.array(z.object({ name: z.string(), gflops: z.number(), milliseconds: z.number() })),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), message: z.string(), hint: z.string() })),
});
export type Doctor = z.output<typeof doctorSchema>;

/** TensorFlow for the training engine: part of an installation with npm; a packed app installs it into its data folder at the first start. */
export const engineSchema = z.object({
  state: z.enum(['ready', 'installing', 'missing', 'unsupported']), version: z.string().nullable(),
  /** why it is missing, where that is known */
  problem: appErrorSchema.nullable(),
  /** `disk_mb`: what must be free while it is installed */
  job_id: id.nullable(), download_mb: z.number(), disk_mb: z.number(), folder: z.string(),
});
export type Engine = z.output<typeof engineSchema>;

export const presetSchema = z.object({ id, name: z.string(), description: z.string(), builtin: z.boolean(), config: z.record(z.string(), z.unknown()) });
export type Preset = z.output<typeof presetSchema>;

export const entrySchema = z.object({ name: z.string(), path: z.string(), kind: z.enum(['folder', 'file']), bytes: z.number(), modified_at: time, /** why it cannot be chosen, for a person who looks for it here */ unusable: z.string().nullable() });

export const systemMethods = {
  'system.info': method('Who answers: version, data folder, and whether a desktop shell is around.', nothing, z.object({ version: z.string(), data_folder: z.string(), platform: z.string(), shell: z.boolean(), pid: z.int() })),
  'jobs.list': method('Jobs of this session and the last ones before, newest first.', nothing, z.array(jobSchema)),
  'jobs.get': method('One job.', z.strictObject({ id }), jobSchema),
  'jobs.cancel': method('Cancels a running job.', z.strictObject({ id }), jobSchema),
  'settings.get': method('All settings.', nothing, settingsSchema),
  'settings.set': method('Changes the settings that are given.', z.strictObject({ changes: z.record(z.string(), z.unknown()) }), settingsSchema),
  'presets.list': method('Starting points for a new run, built-in ones first.', nothing, z.array(presetSchema)),
  'presets.save': method('Keeps a configuration under a name; the same name again replaces it.', z.strictObject({ name: z.string().trim().min(1).max(200), description: z.string().max(2_000).default(''), config: z.record(z.string(), z.unknown()) }), presetSchema),
  'presets.delete': method('Deletes a preset of one\'s own.', z.strictObject({ id }), done),
  'doctor.last': method('The last doctor\'s report, or null.', nothing, doctorSchema.nullable()),
  'doctor.run': method('A job that looks the machine over and measures it; its result is the report.', nothing, startedJob),
  'engine.get': method('Whether TensorFlow is there for the training engine.', nothing, engineSchema),
  'engine.install': method('A job that installs TensorFlow for the training engine; runs wait for it.', nothing, startedJob),
  'files.browse': method('Folders and files of one folder, for choosing without typing; the home folder when no path is given.', z.strictObject({ path: z.string().optional(), extensions: z.array(z.string()).optional() }), z.object({ path: z.string(), parent: z.string().nullable(), places: z.array(z.object({ name: z.string(), path: z.string() })), entries: z.array(entrySchema) })),
};

/** Answered by the desktop shell, not by the core; refused with "shell.unavailable" in a browser (see system.info's `shell`). */
export const shellMethods = {
  'shell.pickFolder': method('The system\'s dialog for a folder; null when cancelled.', z.strictObject({ title: z.string().max(200).optional() }), z.object({ path: z.string().nullable() })),
  'shell.pickFile': method('The system\'s dialog for a file; null when cancelled.', z.strictObject({ title: z.string().max(200).optional(), extensions: z.array(z.string().max(20)).max(20).default([]) }), z.object({ path: z.string().nullable() })),
  'shell.pickFiles': method('The system\'s dialog for several files; none when cancelled.', z.strictObject({ title: z.string().max(200).optional(), extensions: z.array(z.string().max(20)).max(20).default([]) }), z.object({ paths: z.array(z.string()) })),
  'shell.saveFile': method('The system\'s dialog for a new file; null when cancelled.', z.strictObject({ title: z.string().max(200).optional(), name: z.string().max(200) }), z.object({ path: z.string().nullable() })),
  'shell.reveal': method('Shows a run\'s folder or an exported file in the file manager.', z.strictObject({ run_id: id, file: z.string().optional() }), done),
};
