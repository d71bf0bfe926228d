/** The contract: every method of the app. Handlers, clients, docs and fuzz tests all go by this table. */
import type { z } from 'zod';
import { compareMethods } from './compare.ts';
import { datasetMethods } from './datasets.ts';
import { modelMethods } from './models.ts';
import { projectMethods } from './projects.ts';
import { runDataMethods } from './runData.ts';
import { runMethods } from './runs.ts';
import { shellMethods, systemMethods } from './system.ts';

/** Answered by the core. */
export const coreMethods = { ...systemMethods, ...projectMethods, ...modelMethods, ...datasetMethods, ...runMethods, ...runDataMethods, ...compareMethods };
export const methods = { ...coreMethods, ...shellMethods };

export type MethodName = keyof typeof methods;
/** What a caller passes (defaults may be left out). */
export type Params<M extends MethodName> = z.input<(typeof methods)[M]['params']>;
export type Result<M extends MethodName> = z.output<(typeof methods)[M]['result']>;
