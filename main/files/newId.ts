/** Ids: short, unguessable enough not to collide, safe in paths and URLs. */
import { randomBytes } from 'node:crypto';

/** "run_k3v9x0m2q7ab": a prefix and 60 random bits in base 32. */
export function newId(prefix: string): string {
  const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
  return `${prefix}_${[...randomBytes(12)].map((b) => alphabet[b & 31]).join('')}`;
}
