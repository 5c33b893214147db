/**
 * Responses that an action returns with their own status and headers; and files.
 */
import { realpath } from 'node:fs/promises';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { basename, resolve } from 'node:path';
import { Fault } from '../../app/index.js';
import { findFile, foldHeaders, sendFile } from '../../app/internal.js';

/**
 * A response with its own status, headers and body, in place of the plain result of an action.
 *
 * ```ts
 * router.post('/books', ({ body }) => new Reply(body, { status: 201, headers: { location: '/books/7' } }));
 * ```
 */
export class Reply<Body = unknown> {
  /** Undefined: the status the action declares, else 200, or 204 without a body. */
  readonly status: number | undefined;
  /** Response headers. Default: none. */
  readonly headers: Readonly<OutgoingHttpHeaders>;
  /** Like the result of an action: an object is JSON, a stream or a `Buffer` is sent unchanged, null is no body. */
  readonly body: Body;

  constructor(body?: Body, options: { readonly status?: number; readonly headers?: OutgoingHttpHeaders } = {}) {
    this.body = body as Body;
    this.status = options.status;
    this.headers = options.headers ?? {};
  }

  /**
   * A file, with its type and `Last-Modified`, `ETag`, ranges and conditional requests: `Reply.file('report.pdf', { root: 'reports' })`. With
   * `root`, a path that leads out of it, to no file, or by `.` or `..`, gets 404; without it, `path` must not come from a client.
   */
  static file(path: string, options: FileOptions = {}): FileReply {
    return new FileReply(path, options);
  }
}

/** A file to send. */
export class FileReply extends Reply<never> {
  readonly path: string;
  readonly options: FileOptions;

  constructor(path: string, options: FileOptions) {
    super(undefined as never, options.headers === undefined ? {} : { headers: options.headers });
    this.path = path;
    this.options = options;
  }
}

/** Returned by an action that has responded on `request.res` itself. */
export const SENT: unique symbol = Symbol('portico.sent');

/** Options of a file as a response. */
export interface FileOptions {
  /** Directory that the file must be in, also after symbolic links; `path` is relative to it. Default: any file. */
  readonly root?: string | undefined;
  /** True saves it under its name, a text under that name (`Content-Disposition: attachment`). Default: shown by the browser. */
  readonly download?: boolean | string | undefined;
  /** Media type. Default: by the ending of the name. */
  readonly type?: string | undefined;
  /** Seconds for which caches may keep it; only the caller's own if a filter has authenticated the caller. Default 0: they ask each time. */
  readonly maxAge?: number | undefined;
  /** Further headers. Default: none. */
  readonly headers?: OutgoingHttpHeaders | undefined;
}

/** Sends the file; resolves when it is sent, or the client has left. Throws a `Fault`: 404 without such a file. Rejects like `sendFile`. */
export async function replyFile(
  { req, response: res }: { readonly req: IncomingMessage; readonly response: ServerResponse },
  path: string,
  { root, download = false, type, maxAge = 0, headers = {} }: FileOptions,
): Promise<void> {
  const file = await (root === undefined ? findFile(resolve(path)) : findFile(path, await realpath(root)));
  if (file?.stats.isFile() !== true) throw new Fault(404, { message: 'The file could not be found.' });
  const all = Object.entries(headers);
  if (type !== undefined) all.push(['content-type', type]);
  if (download !== false) all.push(['content-disposition', attachment(download === true ? basename(path) : download)]);
  foldHeaders(res, Object.fromEntries(all.filter(([, value]) => value !== undefined)));
  await sendFile(req, res, file, maxAge);
}

/** Returns the header with the name in ASCII, and in UTF-8 if it differs (RFC 6266 §4.3). */
function attachment(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/gu, '_');
  const text = `attachment; filename="${plain}"`;
  if (plain === name) return text;
  // The Buffer replaces half a surrogate pair, which encodeURIComponent refuses.
  const encoded = encodeURIComponent(Buffer.from(name).toString()).replace(
    /['()*]/g,
    (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${text}; filename*=UTF-8''${encoded}`;
}

/**
 * Returns whether a value is a stream, an async iterable or a Fetch response; undefined for values that are written as JSON, including an
 * async iterable with data members. A response is recognized by its tag: a reference to its class would load all of fetch, which few
 * services use.
 */
export function kindOf(value: unknown): 'stream' | 'chunks' | 'response' | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const members = value as Readonly<Record<string | symbol, unknown>>;
  const { [Symbol.toStringTag]: tag, [Symbol.asyncIterator]: iterate, pipe, getReader } = members;
  if (tag === 'Response') return 'response';
  if (typeof pipe === 'function' || typeof getReader === 'function') return 'stream';
  if (typeof iterate !== 'function' || typeof members.toJSON === 'function') return undefined;
  return Object.values(members).every((member) => typeof member === 'function') ? 'chunks' : undefined;
}
