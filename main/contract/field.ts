/**
 * Fields of the run configuration: a zod schema plus what a person needs to know about it. Forms, CLI flags, help and
 * docs are all made from here, so a default changed here changes everywhere.
 */
import { z } from 'zod';

export interface FieldMeta {
  title: string;
  /** one line of help */
  description: string;
  unit?: string;
  /** what the paper or experienced users choose */
  advice?: string;
  /** shown in the simple form; everything else is under Advanced */
  simple?: boolean;
  /** the option's name in diffusers or kohya scripts where it differs from ours */
  alias?: string;
  /** how choices are called on screen where their value is not a name */
  choiceTitles?: Record<string, string>;
  /** only shown when another field (by path) has one of these values */
  when?: Record<string, readonly unknown[]>;
}

const metas = new WeakMap<z.ZodType, FieldMeta>();

/** Attaches help to a schema; the schema must already carry its default. */
export function field<S extends z.ZodType>(schema: S, meta: FieldMeta): S {
  metas.set(schema, meta);
  return schema;
}

export type FieldKind = 'number' | 'integer' | 'boolean' | 'text' | 'choice' | 'texts' | 'numbers';
export interface FieldInfo extends FieldMeta {
  /** "lpl.lpl_weight" */
  path: string;
  group: string;
  key: string;
  kind: FieldKind;
  default: unknown;
  nullable: boolean;
  minimum?: number;
  maximum?: number;
  choices?: string[];
}

type JsonSchema = { type?: string | string[]; enum?: string[]; minimum?: number; maximum?: number; exclusiveMinimum?: number; items?: JsonSchema; anyOf?: JsonSchema[]; default?: unknown };

function kindOf(json: JsonSchema): FieldKind {
  if (json.enum) return 'choice';
  if (json.type === 'array') return json.items?.type === 'string' ? 'texts' : 'numbers';
  if (json.type === 'integer' || json.type === 'number' || json.type === 'boolean') return json.type;
  return 'text';
}

/** JSON schema spells "or null" as anyOf or as a list of types. */
function withoutNull(full: JsonSchema): { json: JsonSchema; nullable: boolean } {
  if (Array.isArray(full.type)) return { json: { ...full, type: full.type.find((t) => t !== 'null')! }, nullable: full.type.includes('null') };
  const nullable = full.anyOf?.some((s) => s.type === 'null') ?? false;
  return { json: full.anyOf?.find((s) => s.type !== 'null') ?? full, nullable };
}

function describe(group: string, key: string, schema: z.ZodType): FieldInfo {
  const meta = metas.get(schema);
  if (!meta) throw new Error(`field ${group}.${key} has no help text`);
  const full = z.toJSONSchema(schema, { io: 'input' }) as JsonSchema;
  const { json, nullable } = withoutNull(full);
  const limit = (v: number | undefined): number | undefined => (v === undefined || Math.abs(v) >= Number.MAX_SAFE_INTEGER ? undefined : v);
  const minimum = limit(json.minimum ?? json.exclusiveMinimum);
  const maximum = limit(json.maximum);
  return {
    ...meta, path: `${group}.${key}`, group, key, kind: kindOf(json), default: full.default, nullable,
    ...(minimum === undefined ? {} : { minimum }), ...(maximum === undefined ? {} : { maximum }), ...(json.enum ? { choices: json.enum } : {}),
  };
}

/** Every field of an object-of-objects schema, in order. Throws when one lacks its help. */
export function fieldsOf(schema: z.ZodObject): FieldInfo[] {
  return Object.entries(schema.shape).flatMap(([group, sub]) => {
    let inner: z.ZodType = sub as z.ZodType;
    while (inner instanceof z.ZodPrefault || inner instanceof z.ZodDefault) inner = inner.unwrap() as z.ZodType;
    return inner instanceof z.ZodObject ? Object.entries(inner.shape).map(([key, s]) => describe(group, key, s as z.ZodType)) : [];
  });
}
