/** What a method of the contract is: a sentence for the docs, a schema for what comes in and one for what goes out. */
import { z } from 'zod';

export interface Method<P extends z.ZodType = z.ZodType, R extends z.ZodType = z.ZodType> {
  readonly doc: string;
  readonly params: P;
  readonly result: R;
}
export type MethodTable = Record<string, Method>;

/** Declares a method. Parameters are validated at the core's door; results are typed, and validated in tests. */
export const method = <P extends z.ZodType, R extends z.ZodType>(doc: string, params: P, result: R): Method<P, R> => ({ doc, params, result });

/** Parameters of a method that takes none. */
export const nothing = z.strictObject({});
/** Result of a method that only does. */
export const done = z.object({ ok: z.literal(true) });
/** Long work answers with the id of its job at once; progress comes as events on topic "jobs". */
export const startedJob = z.object({ job_id: z.string() });

/** Ids are letters, digits, "_" and "-" only, so they are safe in paths and URLs. */
export const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'not an id');
/** Milliseconds since 1970. */
export const time = z.number();

/** The handlers of a table of methods, as the room that owns them exports them. */
export type Handlers<T extends MethodTable> = {
  [K in keyof T]: (params: z.output<T[K]['params']>) => z.input<T[K]['result']> | Promise<z.input<T[K]['result']>>;
};
