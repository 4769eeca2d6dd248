import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzip } from 'node:zlib';
import { ApiStatusError, internalError } from '../api-status.ts';
import { toJson } from '../json.ts';

/** What a handler answers with. */
export interface Answer {
  readonly code: number;
  readonly body: string | Buffer;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly warnings?: readonly string[];
}

/** Bodies from this size on are compressed for clients that take it, as kube-apiserver does. */
const compressFrom = 128 * 1024;

/** An answer that is one JSON value. */
export function jsonAnswer(code: number, value: unknown, warnings: readonly string[] = []): Answer {
  return { code, body: toJson(value), warnings };
}

/** An answer with an ETag, so that a client that has it already gets 304. */
export function taggedAnswer(
  request: IncomingMessage,
  body: string | Buffer,
  contentType = 'application/json',
): Answer {
  const etag = `"${createHash('sha256').update(body).digest('hex').toUpperCase()}"`;
  const headers = { etag, vary: 'Accept' };
  if (request.headers['if-none-match'] === etag) return { code: 304, body: '', headers };
  return { code: 200, body, contentType, headers };
}

/** The answer for anything that was thrown; only an ApiStatusError tells the client more than "internal error". */
export function errorAnswer(error: unknown, warnings: readonly string[] = []): Answer {
  const status = error instanceof ApiStatusError ? error : internalError('unexpected failure, see the server log');
  return jsonAnswer(status.code, status.toStatus(), warnings);
}

/** Writes an answer. */
export function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const headers: Record<string, string | string[] | number> = {
    'content-type': answer.contentType ?? 'application/json',
    'cache-control': 'no-cache, private',
    ...answer.headers,
  };
  const warnings = answer.warnings ?? [];
  if (warnings.length > 0) headers['warning'] = warnings.slice(0, 50).map((text) => `299 - ${quoted(text)}`);
  if (answer.code === 304) {
    // A client merges the headers of a 304 into what it kept: the content type must stay as it was.
    response.writeHead(304, { ...answer.headers });
    response.end();
    return;
  }
  const wantsGzip = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  if (answer.body.length < compressFrom || !wantsGzip) {
    headers['content-length'] = Buffer.byteLength(answer.body);
    response.writeHead(answer.code, headers);
    response.end(answer.body);
    return;
  }
  gzip(answer.body, { level: 1 }, (error, compressed) => {
    if (error !== null) {
      response.destroy();
      return;
    }
    response.writeHead(answer.code, { ...headers, 'content-encoding': 'gzip', 'content-length': compressed.length });
    response.end(compressed);
  });
}

function quoted(text: string): string {
  return `"${text
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .replaceAll(/["\\]/g, '\\$&')
    .slice(0, 1024)}"`;
}
