/**
 * compression: compresses response bodies.
 *
 * The package compression does not support zstd and weak ETags, compresses partial content, and patches responses itself.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import * as zlib from 'node:zlib';
import { beforeHead, filterFactory, transformBody } from '../app/index.js';
import { bytesDeclared, isAuthenticated, preferredEncoding } from '../app/internal.js';
import { defineOptions } from '../config/index.js';
import { appendVary, contentTypeOf } from './headers.js';

const compressionOptions = defineOptions({});

/** Bodies of less bytes are not compressed, if their size is known: it saves no packet. */
const THRESHOLD = 1024;
/** Above 5 brotli is slow. */
const BROTLI_QUALITY = 4;

type Encoding = 'zstd' | 'br' | 'gzip';

/**
 * Compresses text, JSON and similar types with zstd (if Node supports it), brotli or gzip, as the client prefers. Does not compress
 * partial responses, event streams, encoded responses, and responses with `no-transform`. Makes a strong ETag weak, because the bytes
 * differ. A stream goes on without delay: what it has is flushed when it pauses.
 *
 * The length of a compressed response reveals a secret in it to a page of another site that makes a browser send requests with guesses
 * (BREACH): such responses are not compressed.
 */
export const compression = filterFactory('compression', compressionOptions, () => {
  const makers: Record<Encoding, (() => Duplex) | undefined> = {
    zstd: zstdMaker(),
    br: () => zlib.createBrotliCompress({ params: { [zlib.constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
    gzip: gzipOf,
  };
  const encodings = (['br', 'zstd', 'gzip'] as const).filter((encoding) => makers[encoding] !== undefined);

  /** Returns the encoding of a compressible response, or undefined if it is not compressed. */
  const chosen = (req: IncomingMessage, res: ServerResponse, isAttached: boolean): Encoding | undefined => {
    const length = res.getHeader('content-length');
    if (length !== undefined && bytesDeclared(length) < THRESHOLD) return undefined;
    // A HEAD response without a length does not tell whether its content is below the threshold.
    if (length === undefined && req.method === 'HEAD') return undefined;
    if (mayRevealSecret(req, res, isAttached)) return undefined;
    const encoding = preferredEncoding(req, encodings);
    return encoding === 'identity' ? undefined : encoding;
  };

  /**
   * Sets the Vary of a 304, and its weak ETag if the corresponding 200 would be compressed (RFC 9110 §15.4.5). The type and length of
   * the 200 are unknown: an unnecessary Vary costs a cache one more entry, and the client sends the ETag that it has.
   */
  const describeUnchanged = (req: IncomingMessage, res: ServerResponse): void => {
    if (isUntouchable(res)) return;
    appendVary(res, 'Accept-Encoding');
    if (preferredEncoding(req, encodings) === 'identity') return;
    const weak = `W/${String(res.getHeader('etag'))}`;
    if (weak.startsWith('W/"') && req.headers['if-none-match']?.includes(weak) === true) res.setHeader('etag', weak);
  };

  return (app) => (req, res) => {
    let encoding: Encoding | undefined;
    // Read here, because basic_auth removes a password.
    const isAttached = hasAttachedCredentials(req);
    transformBody(res, () => (encoding === undefined ? undefined : makers[encoding]?.()));
    // Listeners run in reverse order, so this runs before the body is transformed. It also runs for HEAD, whose headers equal those of
    // GET.
    beforeHead(res, () => {
      if (res.statusCode === 304) describeUnchanged(req, res);
      if (!isCompressible(res)) return;
      appendVary(res, 'Accept-Encoding');
      encoding = chosen(req, res, isAttached);
      if (encoding === undefined) return;
      res.setHeader('content-encoding', encoding);
      for (const name of ['content-length', 'accept-ranges']) res.removeHeader(name);
      const etag = res.getHeader('etag');
      if (typeof etag === 'string' && etag.startsWith('"')) res.setHeader('etag', `W/${etag}`);
    });
    return app(req, res);
  };
});

/** Returns a compressor whose `flush` keeps its dictionary, unlike Node's by default. */
function gzipOf(): Duplex {
  const gzip = zlib.createGzip();
  const { flush } = gzip;
  return Object.assign(gzip, { flush: () => Reflect.apply(flush, gzip, [zlib.constants.Z_SYNC_FLUSH]) });
}

/** Node supports zstd since 22.15 and 23.8. */
function zstdMaker(): (() => Duplex) | undefined {
  const { createZstdCompress } = zlib as { createZstdCompress?: () => Duplex };
  return createZstdCompress === undefined ? undefined : () => createZstdCompress();
}

/** Event streams and JSON sequences are excluded, because each of their events would be compressed alone. */
const COMPRESSIBLE =
  /^(?:text\/(?!event-stream)[\w.+-]+|application\/(?:[\w.-]+\+)?(?:json|xml)|application\/javascript|image\/svg\+xml)\s*(?:;|$)/i;

function isCompressible(res: ServerResponse): boolean {
  if (res.statusCode === 206 || res.statusCode < 200 || res.statusCode === 204 || res.statusCode === 304) return false;
  if (res.hasHeader('content-range') || res.hasHeader('content-encoding') || isUntouchable(res)) return false;
  return COMPRESSIBLE.test(contentTypeOf(res));
}

function isUntouchable(res: ServerResponse): boolean {
  return /(?:^|,)\s*no-transform\s*(?:,|$)/i.test(String(res.getHeader('cache-control') ?? ''));
}

/** Types that have no secrets: applications serve them to everyone. */
const WITHOUT_SECRETS = /^(?:text\/css|(?:text|application)\/javascript|image\/)/i;

function mayRevealSecret(req: IncomingMessage, res: ServerResponse, isAttached: boolean): boolean {
  const type = contentTypeOf(res);
  if (/^text\/html/i.test(type)) return isAttached || isAuthenticated(req);
  return isAttached && !WITHOUT_SECRETS.test(type) && !isOfOwnPage(req);
}

/** Reports whether a request has credentials that a browser also attaches to requests of other sites. */
function hasAttachedCredentials({ headers: { authorization, cookie } }: IncomingMessage): boolean {
  return cookie !== undefined || (authorization !== undefined && /^basic /i.test(authorization));
}

/** Reports whether a browser says that no other site has caused a request. Other clients and old browsers say nothing. */
function isOfOwnPage({ headers: { 'sec-fetch-site': site } }: IncomingMessage): boolean {
  return site === 'same-origin' || site === 'none';
}
