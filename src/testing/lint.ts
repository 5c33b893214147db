/** Checks an app against the App contract, as Rack::Lint does for Rack. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type App, environ } from '../app/index.js';
import { isOwnPatch } from '../app/internal.js';
import { PorticoError } from '../errors/index.js';
import type { Clock } from '../tasks/index.js';
import { systemClock } from '../tasks/internal.js';
import { checkOptions } from './check-options.js';

/** The violation of a rule of the App contract. `rule` is its number in `docs/reference/app.md`. */
export class LintError extends PorticoError {
  readonly rule: number;

  constructor(rule: number, message: string, details: { hint?: string; cause?: unknown } = {}) {
    super('PORTICO_LINT', { message: `App contract, rule ${rule}: ${message}`, ...details });
    this.rule = rule;
  }
}

/** Options of {@link lint}. */
export interface LintOptions {
  /** The time in milliseconds in which the app must respond or fail. Default 5000. */
  readonly answerWithinMs?: number;
  /** The clock for that timeout; with a `FakeClock` no real time passes. Default: the system clock. */
  readonly clock?: Clock;
  /** Allows packages for Connect to replace methods of a response, as `compression` does. Default false. */
  readonly foreignPatches?: boolean;
}

const NAMES: Readonly<Record<keyof LintOptions, true>> = { answerWithinMs: true, clock: true, foreignPatches: true };

/** An app wrapped by {@link lint}. */
export interface LintedApp extends App {
  /** The violations so far, of all requests. */
  readonly violations: readonly LintError[];
}

/**
 * Wraps an app so that a request fails with a `LintError` if the app breaks a rule of the App contract.
 *
 * It detects: headers written twice, two ends, writes after the end, a response together with a failure, no response, a body whose length differs
 * from the declared one (rules 1 and 6), a call with a finished response (3), replaced methods of the response (4), a failure that
 * leaves `req.url` changed (5), and a handler that uses the response of another request (7). Second headers, a second end and a write
 * after the end have no effect; other violations are only recorded. Each has its stack. The returned promise is fulfilled after the
 * response closes, so that calls after the end are detected too.
 */
export function lint(app: App, options: LintOptions = {}): LintedApp {
  checkOptions('lint', options, NAMES);
  const violations: LintError[] = [];
  const running: Running = { request: undefined };
  const linted: App = (req, res) =>
    new Promise((resolve, reject) => {
      new Inspection(req, res, options, running, (violation) => {
        violations.push(violation);
        reject(violation);
      }).run(app, resolve, reject);
    });
  return Object.assign(linted, { violations });
}

/** The request whose handler currently runs, synchronously. */
interface Running {
  request: IncomingMessage | undefined;
}

type Method = (...args: unknown[]) => unknown;
type Methods = Record<'writeHead' | 'write' | 'end', Method>;

/** The checks of one request. */
class Inspection {
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #options: LintOptions;
  readonly #running: Running;
  readonly #complain: (violation: LintError) => void;
  readonly #url: string | undefined;
  readonly #scriptName: string;
  #ended = false;
  #declared: number | undefined;
  #sent = 0;

  constructor(
    req: IncomingMessage,
    res: ServerResponse,
    options: LintOptions,
    running: Running,
    complain: (violation: LintError) => void,
  ) {
    this.#req = req;
    this.#res = res;
    this.#options = options;
    this.#running = running;
    this.#complain = complain;
    this.#url = req.url;
    this.#scriptName = environ(req).scriptName;
  }

  run(app: App, resolve: () => void, reject: (reason: unknown) => void): void {
    if (this.#res.writableEnded || this.#res.headersSent) {
      this.#complain(new LintError(3, 'the app was called although the response had ended'));
      return;
    }
    this.#watch();
    const { answerWithinMs = 5000, clock = systemClock } = this.#options;
    const cancel = clock.after(answerWithinMs, () => {
      this.#complain(new LintError(1, `the app neither responded nor failed within ${answerWithinMs} ms`));
    });
    const closed = new Promise<void>((done) => this.#res.once('close', done));
    this.#call(app)
      .then(
        () => undefined,
        (error: unknown) => {
          cancel();
          this.#failed(error);
          reject(error);
        },
      )
      .catch(reject);
    void closed.then(() => {
      cancel();
      // Waits one more turn, for calls that the app makes when the response closes.
      setImmediate(resolve);
    });
  }

  async #call(app: App): Promise<void> {
    const before = this.#running.request;
    this.#running.request = this.#req;
    try {
      const returned = app(this.#req, this.#res);
      this.#running.request = before;
      await returned;
    } finally {
      if (this.#running.request === this.#req) this.#running.request = before;
    }
  }

  #failed(error: unknown): void {
    const clientLeft = this.#res.destroyed && !this.#res.writableFinished;
    if (this.#ended && !clientLeft) {
      this.#complain(new LintError(1, 'the app responded and failed as well', { cause: error }));
    }
    const moved = this.#req.url !== this.#url || environ(this.#req).scriptName !== this.#scriptName;
    if (moved && !this.#res.headersSent) {
      const { url } = this.#req;
      this.#complain(
        new LintError(5, `the app failed and left req.url as ${url} instead of ${this.#url}`, {
          hint: 'Restore req.url and scriptName before passing the failure on: another app may be tried.',
          cause: error,
        }),
      );
    }
  }

  #watch(): void {
    const res = this.#res as unknown as Methods;
    const { writeHead, write, end } = res;
    this.#replace('writeHead', (...args) => {
      if (this.#res.headersSent) return this.#refuse(1, 'the headers were written twice', this.#res);
      this.#declared = declaredLength(this.#res, args);
      return Reflect.apply(writeHead, res, args);
    });
    this.#replace('write', (...args) => {
      if (this.#ended) return this.#refuse(1, 'the app wrote after the end of its response', true);
      this.#sent += byteLength(args);
      return Reflect.apply(write, res, args);
    });
    this.#replace('end', (...args) => {
      if (this.#ended) return this.#refuse(1, 'the response was ended twice', this.#res);
      this.#ended = true;
      this.#sent += byteLength(args);
      const result = Reflect.apply(end, res, args);
      this.#checkLength();
      return result;
    });
  }

  /** Defines the method as an accessor, to detect a replacement. */
  #replace(name: keyof Methods, watched: Method): void {
    let current = watched;
    Object.defineProperty(this.#res, name, {
      configurable: true,
      get: () => current,
      set: (method: Method) => {
        current = method;
        if (this.#options.foreignPatches || isOwnPatch(method)) return;
        this.#complain(
          new LintError(4, `res.${name} was replaced`, {
            hint: 'Use beforeHead, transformBody and afterResponse; for a Connect package, lint with foreignPatches.',
          }),
        );
      },
    });
  }

  #refuse<T>(rule: number, message: string, result: T): T {
    const other = this.#running.request;
    if (other !== undefined && other !== this.#req) {
      this.#complain(new LintError(7, `the handler of ${other.url} used the response of ${this.#url}: ${message}`));
    } else {
      this.#complain(new LintError(rule, message));
    }
    return result;
  }

  #checkLength(): void {
    const { statusCode } = this.#res;
    if (this.#req.method === 'HEAD' || statusCode === 204 || statusCode === 304) return;
    if (this.#declared === undefined || this.#declared === this.#sent) return;
    this.#complain(
      new LintError(6, `the app declared ${this.#declared} bytes and sent ${this.#sent}`, {
        hint: 'A body that failed half way must destroy the connection, so that it does not look complete.',
      }),
    );
  }
}

/** Returns the `Content-Length` passed to `writeHead` or set before; undefined if there is none. */
function declaredLength(res: ServerResponse, args: readonly unknown[]): number | undefined {
  const headers = typeof args[1] === 'string' ? args[2] : (args[2] ?? args[1]);
  const pairs = Array.isArray(headers) ? pairsOf(headers.flat()) : Object.entries((headers ?? {}) as object);
  const written = pairs.findLast(([name]) => String(name).toLowerCase() === 'content-length')?.[1];
  const length = written ?? res.getHeader('content-length');
  return length === undefined ? undefined : Number(length);
}

function pairsOf(flat: readonly unknown[]): [unknown, unknown][] {
  return flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1]] as [unknown, unknown]] : []));
}

function byteLength([chunk, encoding]: readonly unknown[]): number {
  if (typeof chunk === 'string') {
    return Buffer.byteLength(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8');
  }
  return chunk instanceof Uint8Array ? chunk.byteLength : 0;
}
