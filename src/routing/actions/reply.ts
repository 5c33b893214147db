/**
 * Responses that an action returns with their own status and headers; and files.
 */
import type { OutgoingHttpHeaders } from 'node:http';
import type { FileOptions } from './sent-file.js';

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
   * `root`, a path that leads out of it, or to no file, is a 404; without it, `path` must not come from a client.
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

/** Returned by an action that has answered on `request.res` itself. */
export const SENT: unique symbol = Symbol('portico.sent');
