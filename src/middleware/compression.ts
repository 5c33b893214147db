/**
 * compression: smaller bodies for clients that unpack them.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import * as zlib from 'node:zlib';
import { beforeHead, environ, filterFactory, preferredEncoding, transformBody } from '../app/index.js';
import { boolean, bytes, defineOptions, integer } from '../config/index.js';
import './identity.js';
import { appendVary } from './vary.js';

export const compressionOptions = defineOptions({
  threshold: bytes({ default: 1024, min: 0, help: 'Bodies known to be smaller are sent as they are.' }),
  compress_level: integer({ default: 6, min: 1, max: 9, help: 'How hard gzip tries.' }),
  brotli_quality: integer({ default: 4, min: 0, max: 11, help: 'How hard brotli tries; above 5 it is slow.' }),
  authenticated_html: boolean({
    default: false,
    help: 'Compresses HTML answers to authenticated requests too: their length may tell an attacker a secret (BREACH).',
  }),
});

type Encoding = 'zstd' | 'br' | 'gzip';

/**
 * Compresses text, JSON and the like by zstd (where Node has it), brotli or gzip, whichever the client likes best. Left
 * alone are partial answers, event streams, what is encoded already and what forbids it by `no-transform`. A strong
 * ETag becomes weak, for the bytes are others.
 */
export const compression = filterFactory('compression', compressionOptions, (options) => {
  const makers: Record<Encoding, (() => Duplex) | undefined> = {
    zstd: zstdMaker(),
    br: () => zlib.createBrotliCompress({ params: { [zlib.constants.BROTLI_PARAM_QUALITY]: options.brotliQuality } }),
    gzip: () => zlib.createGzip({ level: options.compressLevel }),
  };
  const encodings = (['br', 'zstd', 'gzip'] as const).filter((encoding) => makers[encoding] !== undefined);

  return (app) => (req, res) => {
    transformBody(res, () => {
      if (!isCompressible(res) || isSmall(res, options.threshold)) return undefined;
      if (!options.authenticatedHtml && isAuthenticatedHtml(req, res)) return undefined;
      const encoding = preferredEncoding(req, encodings);
      const make = encoding === 'identity' ? undefined : makers[encoding];
      if (make === undefined) return undefined;
      res.setHeader('content-encoding', encoding);
      const etag = res.getHeader('etag');
      if (typeof etag === 'string' && etag.startsWith('"')) res.setHeader('etag', `W/${etag}`);
      return make();
    });
    // Registered later, so it runs before: afterwards the body may be encoded.
    beforeHead(res, () => {
      if (isCompressible(res)) appendVary(res, 'Accept-Encoding');
    });
    return app(req, res);
  };
});

/** Node has it from 22.15 and 23.8 on. */
function zstdMaker(): (() => Duplex) | undefined {
  const { createZstdCompress } = zlib as { createZstdCompress?: () => Duplex };
  return createZstdCompress === undefined ? undefined : () => createZstdCompress();
}

const COMPRESSIBLE =
  /^(?:text\/(?!event-stream)|application\/(?:[\w.-]+\+)?(?:json|xml)|application\/javascript|image\/svg)/i;

function isCompressible(res: ServerResponse): boolean {
  if (res.statusCode === 206 || res.statusCode < 200 || res.statusCode === 204 || res.statusCode === 304) return false;
  if (res.hasHeader('content-range') || res.hasHeader('content-encoding')) return false;
  if (/(?:^|,)\s*no-transform\s*(?:,|$)/i.test(String(res.getHeader('cache-control') ?? ''))) return false;
  return COMPRESSIBLE.test(String(res.getHeader('content-type') ?? ''));
}

function isSmall(res: ServerResponse, threshold: number): boolean {
  const length = res.getHeader('content-length');
  return length !== undefined && Number(length) < threshold;
}

function isAuthenticatedHtml(req: IncomingMessage, res: ServerResponse): boolean {
  if (!/^text\/html/i.test(String(res.getHeader('content-type') ?? ''))) return false;
  const { context, identity } = environ(req);
  return identity !== undefined || context?.userId !== undefined || req.headers.cookie !== undefined;
}
