/** `cascade`: tries apps one after the other until one gives a response whose status is not caught. */
import { IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import {
  type App,
  type CompositeFactory,
  type Conf,
  environ,
  type FactoryContext,
  Fault,
  readBody,
  type SectionLoader,
} from '../../app/index.js';
import { environFields, exchangeOf, foldHeaders, noteOriginal } from '../../app/internal.js';
import { type Origin, PorticoError } from '../../errors/index.js';
import { originOfName, wordsOf } from '../../ini/index.js';
import { partsOf } from '../part-refusals.js';
import { PasteError } from '../paste-error.js';
import { type CompositeWarning, refusalsOf, type TellsChildren } from './children.js';

/** An app that tries others in turn. */
export interface Cascade extends App {
  /** In the order in which they are tried. */
  readonly apps: readonly App[];
  /** The statuses for which the next app is tried, each once, in the given order. */
  readonly catches: readonly number[];
}

/** The statuses that Paste has an exception for; others cannot be caught. */
const CATCHABLE: ReadonlySet<number> = new Set([
  300, 301, 302, 303, 304, 305, 307, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415,
  416, 417, 429, 500, 501, 502, 503, 504, 505,
]);

/**
 * Composite factory. `catch` is a list of statuses, default `404`; all other options begin with `app`, and are tried in the order of
 * their names as text: `app10` before `app2`.
 *
 * Each app but the last gets a copy of the request, and its response is held until its status is known. Each app can read the body from
 * its start: the first read takes all of it, up to 1 MiB; a longer one gets 413. A body that no app has read reaches the
 * last app as a stream, of any size.
 */
export const cascade: CompositeFactory = Object.assign(
  async (loader: SectionLoader, globalConf: Conf, localConf: Conf, ctx: FactoryContext): Promise<Cascade> => {
    const named: { name: string; app: App }[] = [];
    const refusals = partsOf(loader);
    for (const [name, reference] of localConf) {
      if (name === 'catch') continue;
      await refusals.gather(async () => {
        if (!name.startsWith('app')) throw badOption(name, reference, ctx.section.options.get(name)?.origin);
        named.push({ name, app: await loader.getApp(reference, globalConf) });
      });
    }
    refusals.refuse();
    const catches = statusesOf(localConf.get('catch') ?? '404', ctx.section.options.get('catch')?.origin);
    named.sort((a, b) => (a.name < b.name ? -1 : 1));
    const apps = named.map(({ app }) => app);
    const caught = new Set(catches);
    const order = `tries ${named.map(({ name }) => name).join(', ')} until a response is not ${catches.join(' ')}`;
    const run: App = (req, res) => {
      exchangeOf(req).trial?.note(order);
      return attempt(apps, caught, req, res);
    };
    return Object.assign(run, { apps, catches });
  },
  { children: cascadeChildren, problems: cascadeProblems, warnings: cascadeWarnings },
);

async function attempt(
  apps: readonly App[],
  caught: ReadonlySet<number>,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const last = apps.at(-1);
  if (last === undefined) {
    throw new PorticoError('PORTICO_CASCADE_EMPTY', { message: 'A cascade needs at least one app.' });
  }
  if (apps.length === 1) return last(req, res);
  const copies = new RequestCopies(req);
  for (const app of apps.slice(0, -1)) {
    const copy = copies.next();
    const held = new HeldResponse(copy, res, caught);
    try {
      if (!(await Promise.race([held.answeredBy(app), copy.refused]))) continue;
    } catch (error) {
      if (!(error instanceof Fault) || !caught.has(error.status) || held.passedOn) throw error;
      continue;
    }
    return;
  }
  const copy = copies.last();
  if (copy === undefined) return last(req, res);
  return Promise.race([last(copy, res), copy.refused]);
}

function cascadeChildren(_globalConf: Conf, localConf: Conf): ReturnType<TellsChildren['children']> {
  return [...localConf]
    .filter(([name]) => name !== 'catch' && name.startsWith('app'))
    .map(([option, name]) => ({ get: 'app' as const, name, option, inherits: true }));
}

function cascadeProblems(localConf: Conf, ctx: FactoryContext): ReturnType<NonNullable<TellsChildren['problems']>> {
  const originOf = (name: string) => ctx.section.options.get(name)?.origin;
  const others = [...localConf].filter(([name]) => name !== 'catch' && !name.startsWith('app'));
  return [
    ...others.map(([name, value]) => badOption(name, value, originOf(name))),
    ...refusalsOf([() => statusesOf(localConf.get('catch') ?? '404', originOf('catch'))]),
  ];
}

/** Warns of numbered options whose order as text differs from their order as numbers: `app10` is tried before `app2`. */
function cascadeWarnings(localConf: Conf): CompositeWarning[] {
  const numbered = [...localConf.keys()].filter((name) => /^app\d+$/.test(name)).sort();
  const at = numbered.findIndex(
    (name, index) => index > 0 && Number(numbered[index - 1]!.slice(3)) > Number(name.slice(3)),
  );
  if (at < 0) return [];
  return [
    {
      code: 'PORTICO_PASTE_CASCADE_ORDER',
      option: numbered[at - 1]!,
      message: `"${numbered[at - 1]}" is tried before "${numbered[at]}": names are sorted as text.`,
      hint: 'Write all numbers with the same number of digits: app02, app10.',
    },
  ];
}

function statusesOf(list: string, origin: Origin | undefined): number[] {
  const statuses = wordsOf(list).map(({ text }) => {
    if (!/^[+-]?\d+(_\d+)*$/.test(text)) {
      throw new PasteError('PORTICO_PASTE_BAD_VALUE', {
        message: `${JSON.stringify(text)} in "catch" is not a status code.`,
        hint: 'Write numbers separated by spaces: 404 405.',
        origin,
      });
    }
    const status = Number(text.replaceAll('_', ''));
    if (CATCHABLE.has(status)) return status;
    throw new PasteError('PORTICO_PASTE_MISSING_KEY', {
      message: `the status ${status} cannot be caught.`,
      hint: 'It can be 300 to 305, 307, 400 to 417, 429, or 500 to 505.',
      origin,
    });
  });
  return [...new Set(statuses)];
}

function badOption(name: string, value: string, origin: Origin | undefined): PasteError {
  return new PasteError('PORTICO_PASTE_BAD_VALUE', {
    message: `the option ${JSON.stringify(name)} (${JSON.stringify(value)}) does not begin with "app".`,
    hint: 'A cascade has "catch" and options that begin with "app".',
    origin: origin && originOfName(origin),
  });
}

// A response whose headers are held until its status is known: then it is either dropped or passed on as a stream. It is a separate object
// and does not use `holdBody`, because headers and data of a dropped app must not reach the next one's response.

type Callback = (error?: Error | null) => void;

/**
 * Replaces `target` while one app of a cascade responds. Only informational responses (1xx) reach the target before the status is known;
 * a response with a caught status never does. It emits the target's `close` and, once passed on, its `drain` and `finish`.
 */
class HeldResponse extends ServerResponse {
  readonly #target: ServerResponse;
  readonly #caught: ReadonlySet<number>;
  #fate: 'held' | 'dropped' | 'passed' = 'held';
  #settle: ((answered: boolean) => void) | undefined;

  constructor(req: IncomingMessage, target: ServerResponse, caught: ReadonlySet<number>) {
    super(req);
    this.#target = target;
    this.#caught = caught;
    for (const name of target.getHeaderNames()) this.setHeader(name, target.getHeader(name)!);
    pinMethods(this, HeldResponse.prototype);
    Object.defineProperties(this, {
      headersSent: { get: () => this.#fate !== 'held' },
      socket: { value: target.socket, writable: true },
    });
    target.once('close', () => {
      this.emit('close');
      this.#settle?.(true);
    });
  }

  /** True once the headers are passed on to the target. */
  get passedOn(): boolean {
    return this.#fate === 'passed';
  }

  /** Runs an app on this response. Resolves to true if its response is passed on, false if it is dropped. */
  answeredBy(app: App): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#settle = resolve;
      Promise.resolve(app(this.req, this)).then(
        () => {
          if (this.#fate === 'passed') resolve(true);
        },
        (error: unknown) => {
          if (this.#fate === 'dropped') resolve(false);
          else reject(error as Error);
        },
      );
    });
  }

  override writeHead(
    status: number,
    message?: string | OutgoingHttpHeaders | OutgoingHttpHeader[],
    headers?: OutgoingHttpHeaders | OutgoingHttpHeader[],
  ): this {
    this.statusCode = status;
    if (typeof message === 'string') this.statusMessage = message;
    foldHeaders(this, typeof message === 'string' ? headers : message);
    if (this.#decide()) this.#target.writeHead(this.statusCode);
    return this;
  }

  override flushHeaders(): void {
    this.#head();
    if (this.#fate === 'passed') this.#target.flushHeaders();
  }

  override write(chunk: unknown, encoding?: BufferEncoding | Callback, callback?: Callback): boolean {
    this.#head();
    if (this.#fate === 'passed') return this.#target.write(chunk as string, encoding as BufferEncoding, callback);
    const done = typeof encoding === 'function' ? encoding : callback;
    if (done !== undefined) process.nextTick(done);
    return true;
  }

  override end(chunk?: unknown, encoding?: BufferEncoding | (() => void), callback?: () => void): this {
    if (this.finished) return this;
    if (this.#fate === 'held') this.#decide();
    this.finished = true;
    if (this.#fate === 'passed') {
      this.#target.end(chunk as string, encoding as BufferEncoding, callback);
      return this;
    }
    const done = [chunk, encoding, callback].find((argument) => typeof argument === 'function') as
      | (() => void)
      | undefined;
    process.nextTick(() => {
      this.emit('finish');
      done?.();
      this.emit('close');
    });
    this.#settle?.(false);
    return this;
  }

  override addTrailers(headers: OutgoingHttpHeaders): void {
    if (this.#fate === 'passed') this.#target.addTrailers(headers);
  }

  override writeContinue(callback?: () => void): void {
    this.#target.writeContinue(callback);
  }

  override writeEarlyHints(hints: Record<string, string | string[]>, callback?: () => void): void {
    this.#target.writeEarlyHints(hints, callback);
  }

  /** Sends the implicit headers of a body that begins without `writeHead`. */
  #head(): void {
    if (this.#fate === 'held') this.writeHead(this.statusCode);
  }

  /** Decides by the status, once; returns true if the response is passed on. Status and headers are then copied to the target. */
  #decide(): boolean {
    if (this.#fate !== 'held') return false;
    if (this.#caught.has(this.statusCode)) {
      this.#fate = 'dropped';
      return false;
    }
    this.#fate = 'passed';
    this.#target.statusCode = this.statusCode;
    if (this.statusMessage) this.#target.statusMessage = this.statusMessage;
    for (const name of this.#target.getHeaderNames()) if (!this.hasHeader(name)) this.#target.removeHeader(name);
    exchangeOf(this.#target.req).cacheControl = exchangeOf(this.req).cacheControl;
    for (const name of rawNamesOf(this)) this.#target.setHeader(name, this.getHeader(name)!);
    for (const event of ['drain', 'finish'] as const) this.#target.on(event, () => this.emit(event));
    process.nextTick(() => this.#settle?.(true));
    return true;
  }
}

/** Returns names in the letter case in which they were set; Node has this method, its type declarations for Node 20 do not. */
function rawNamesOf(response: ServerResponse): string[] {
  return (response as unknown as { getRawHeaderNames(): string[] }).getRawHeaderNames();
}

/** Bytes of the largest body that several apps can read. */
const MAX_KEPT_BYTES = 1_048_576;

/**
 * Copies of a request for apps that are tried one after the other: each has the original headers, path and environ, and can read the body
 * from its start.
 */
class RequestCopies {
  readonly #request: IncomingMessage;
  readonly #environ: object;
  readonly #headers: IncomingMessage['headers'];
  readonly #url: string | undefined;
  /** The whole body, read when the first app reads it. */
  #body: Promise<Buffer> | undefined;

  constructor(request: IncomingMessage) {
    this.#request = request;
    this.#environ = environFields(request);
    this.#headers = { ...request.headers };
    this.#url = request.url;
  }

  /** Returns a copy for an app that is not the last. */
  next(): RequestCopy {
    const copy = new RequestCopy(this.#request, () => this.#whole());
    copy.url = this.#url ?? '/';
    copy.headers = { ...this.#headers };
    Object.assign(environ(copy), this.#environ);
    return copy;
  }

  /** Returns the copy for the last app; undefined if the body was not read, so the app gets the request itself. */
  last(): RequestCopy | undefined {
    return this.#body === undefined ? undefined : this.next();
  }

  #whole(): Promise<Buffer> {
    this.#body ??= readBody(this.#request, { limit: MAX_KEPT_BYTES });
    return this.#body;
  }
}

class RequestCopy extends IncomingMessage {
  /** Rejects if the body cannot be read and the app has no error listener, because the app would wait forever. */
  readonly refused: Promise<never>;
  #refuse!: (error: unknown) => void;
  readonly #original: IncomingMessage;
  readonly #body: () => Promise<Buffer>;

  constructor(original: IncomingMessage, body: () => Promise<Buffer>) {
    super(original.socket);
    pinMethods(this, RequestCopy.prototype);
    this.refused = new Promise((_, reject) => {
      this.#refuse = reject;
    });
    // The request may end before a caller awaits this.
    this.refused.catch(() => undefined);
    noteOriginal(this, original);
    this.#original = original;
    this.#body = body;
    this.method = original.method ?? 'GET';
    this.rawHeaders = original.rawHeaders;
    this.httpVersion = original.httpVersion;
    this.httpVersionMajor = original.httpVersionMajor;
    this.httpVersionMinor = original.httpVersionMinor;
  }

  override _read(): void {
    this.#body().then(
      (bytes) => {
        if (this.complete) return;
        this.complete = true;
        this.push(bytes);
        this.push(null);
      },
      (error: Error) => {
        if (this.listenerCount('error') > 0) this.destroy(error);
        else this.#refuse(error);
      },
    );
  }

  /**
   * If an app destroys the copy with an error before the body is complete, the request is destroyed; otherwise its connection is left
   * open.
   */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.complete && error !== null && !(error instanceof Fault)) this.#original.destroy(error);
    done(error);
  }
}

/**
 * Copies the methods of a class to an object. Express replaces the prototype of each request and response, which would remove the
 * overrides of a class.
 */
function pinMethods(object: object, prototype: object): void {
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (name === 'constructor' || typeof descriptor.value !== 'function') continue;
    Object.defineProperty(object, name, { ...descriptor, enumerable: false });
  }
}
