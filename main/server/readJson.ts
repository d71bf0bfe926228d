import type { IncomingMessage } from 'node:http';
import { AppError } from '../contract/errors.ts';

/** A request's body as JSON; {} when empty. Throws http.not_json, http.too_large, http.wrong_type. */
export async function readJson(request: IncomingMessage, limit = 16 << 20): Promise<unknown> {
  const type = request.headers['content-type'] ?? '';
  if (!type.startsWith('application/json')) throw new AppError('http.wrong_type', 'The request\'s body is not declared as JSON.', 'Send content-type: application/json.', {});
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > limit) throw new AppError('http.too_large', `The request is larger than ${limit} bytes.`, 'Send less at once.', { limit });
    pieces.push(piece);
  }
  const text = Buffer.concat(pieces).toString('utf8');
  if (text === '') return {};
  try { return JSON.parse(text); } catch { throw new AppError('http.not_json', 'The request\'s body is not JSON.', 'Reload the page.', {}); }
}
