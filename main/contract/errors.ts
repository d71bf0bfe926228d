/** Errors as they cross every boundary of the app: what happened, where, and what to do next. */
import { z } from 'zod';

export const appErrorSchema = z.object({
  /** stable, machine readable: "model.pickle_refused" */
  code: z.string(),
  /** what happened and where, in a sentence */
  message: z.string(),
  /** what to do next */
  hint: z.string(),
  details: z.record(z.string(), z.unknown()).optional(),
});
export type AppErrorData = z.infer<typeof appErrorSchema>;

/** An error that a user can meet. Anything else that is thrown is a bug, and is reported as one. */
export class AppError extends Error {
  readonly code: string;
  readonly hint: string;
  readonly details: Record<string, unknown> | undefined;
  constructor(code: string, message: string, hint: string, details?: Record<string, unknown>) {
    super(message);
    this.name = 'AppError';
    this.code = code;
    this.hint = hint;
    this.details = details;
  }
  toJSON(): AppErrorData {
    return { code: this.code, message: this.message, hint: this.hint, ...(this.details ? { details: this.details } : {}) };
  }
}

/** Any thrown value as AppErrorData; unknown errors become "internal" with the stack kept in the details. */
export function toAppError(error: unknown): AppErrorData {
  if (error instanceof AppError) return error.toJSON();
  const parsed = appErrorSchema.safeParse(error);
  if (parsed.success) return parsed.data;
  const e = error instanceof Error ? error : new Error(String(error));
  return {
    code: 'internal',
    message: `Something went wrong inside LPL Studio: ${e.message}`,
    hint: 'Try again. If it happens again, report it with the details below.',
    details: { stack: e.stack },
  };
}
