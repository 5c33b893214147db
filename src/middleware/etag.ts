/** etag: adds ETags to responses, so that clients need not fetch unchanged content. */
import { hash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { filterFactory, type OpenApiAdditions } from '../app/index.js';
import { bytesDeclared, holdBody } from '../app/internal.js';
import { defineOptions } from '../config/index.js';
import { contentTypeOf } from './headers.js';

const etagOptions = defineOptions({});

/** Maximum size of a body that is buffered for its ETag, in bytes. */
const MAX_SIZE = 2 ** 20;

/**
 * Adds a strong ETag, computed from the body, to 200 responses to GET and HEAD. Responds with 304 if the client has it (`If-None-Match`, RFC
 * 9110 §13.1.2). An ETag of the application is kept, and compared in the same way. A body in pieces without a
 * length, such as a stream, is not held back and gets none.
 */
export const etag = filterFactory(
  'etag',
  etagOptions,
  () => (app) => (req, res) => {
    if (req.method !== 'GET' && req.method !== 'HEAD') return app(req, res);
    holdBody(res, {
      limit: MAX_SIZE,
      wants: () => isTaggable(req, res),
      complete: (body) => answer(req, res, body),
    });
    return app(req, res);
  },
  { openapi: openapiOf },
);

function openapiOf(): OpenApiAdditions {
  return { contentHeaders: { ETag: { description: 'Identifies the content.', schema: { type: 'string' } } } };
}

/** Reports whether the body is held for its ETag. A response with an ETag of the application becomes 304 at once if the client has it. */
function isTaggable(req: IncomingMessage, res: ServerResponse): boolean {
  if (res.statusCode !== 200) return false;
  if (res.hasHeader('etag')) {
    notModified(req, res);
    return false;
  }
  return !/^text\/event-stream/i.test(contentTypeOf(res));
}

function answer(req: IncomingMessage, res: ServerResponse, body: Buffer): Buffer | undefined {
  // A HEAD response without a body does not show the content of the GET response.
  const known = req.method === 'GET' || (body.length > 0 && !mayBeEncoded(res));
  const declared = res.getHeader('content-length');
  // A body that differs from its declared length is incomplete. It gets no ETag.
  if (known && declared !== undefined && bytesDeclared(declared) !== body.length)
    return req.method === 'HEAD' ? undefined : body;
  if (known) res.setHeader('etag', etagOf(body));
  if (notModified(req, res)) return undefined;
  if (known) res.setHeader('content-length', body.length);
  return req.method === 'HEAD' ? undefined : body;
}

/** Turns a response whose ETag the client has into a 304. */
function notModified(req: IncomingMessage, res: ServerResponse): boolean {
  const tag = res.getHeader('etag');
  if (typeof tag !== 'string' || !matches(req.headers['if-none-match'], tag)) return false;
  res.statusCode = 304;
  res.statusMessage = '';
  for (const name of ['content-length', 'content-type', 'content-encoding']) res.removeHeader(name);
  return true;
}

/** Reports whether the body of the GET response may be encoded, unlike the body of this HEAD response. */
function mayBeEncoded(res: ServerResponse): boolean {
  return res.hasHeader('content-encoding') || /(?:^|,)\s*accept-encoding/i.test(String(res.getHeader('vary') ?? ''));
}

function etagOf(body: Buffer): string {
  return `"${body.length.toString(16)}-${hash('sha1', body, 'base64url')}"`;
}

/** The weak comparison, which `If-None-Match` requires. */
function matches(condition: string | undefined, tag: string): boolean {
  if (condition === undefined) return false;
  if (condition.trim() === '*') return true;
  const wanted = tag.replace(/^W\//, '');
  // A tag may have commas (RFC 9110 §8.8.3).
  return (condition.match(/"[^"]*"/g) as readonly string[] | null)?.includes(wanted) === true;
}
