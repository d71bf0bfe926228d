/** Projects: a name under which runs are kept together. */
import { z } from 'zod';
import { done, id, method, nothing, time } from './method.ts';

export const projectSchema = z.object({ id, name: z.string(), notes: z.string(), created_at: time, runs: z.int() });
export type Project = z.output<typeof projectSchema>;
const name = z.string().trim().min(1, 'a name is needed').max(200);

export const projectMethods = {
  'projects.list': method('All projects, newest first. There is always at least one.', nothing, z.array(projectSchema)),
  'projects.create': method('A new project.', z.strictObject({ name, notes: z.string().max(20_000).default('') }), projectSchema),
  'projects.update': method('Renames a project or changes its notes.', z.strictObject({ id, name: name.optional(), notes: z.string().max(20_000).optional() }), projectSchema),
  'projects.delete': method('Deletes an empty project; one with runs is refused.', z.strictObject({ id }), done),
};
