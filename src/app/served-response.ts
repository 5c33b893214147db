/**
 * The response of an exchange: the class that a `Server` makes, and its three methods, which a response of another server gets when it is
 * first used.
 *
 * `writeHead` runs the one list of the head, `write` and `end` send the body through its one list of parts (`response-body.ts`). Other
 * code may replace the methods: what is registered later is put inside of it.
 */
import { type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { PorticoError } from '../errors/index.js';
import { declaredLength } from '../wire/index.js';
import { dropImpliedLength, EXCHANGE, type Exchange, exchangeBy, NODE } from './exchange.js';
import { foldHeaders, type HeadersArgument } from './headers.js';
import { end, write } from './response-body.js';
import { headSent, type Methods, type Stage } from './response-methods.js';

/** The result of a stage that holds the head back until `resumeHead`, or that leaves it to other code. */
export const LATER: unique symbol = Symbol('portico.headLater');

type Carrier = ServerResponse & Methods & { [EXCHANGE]?: Exchange | undefined };

/**
 * The three methods are own properties, because Express changes the prototype. Headers that were given to `writeHead` as an object are sent
 * as a list, which takes 2 µs less than Node's own store for a head of five, and are read from it afterwards.
 */
export class ServedResponse extends ServerResponse {
  declare [EXCHANGE]: Exchange | undefined;

  /** Node passes options after the request, which its types do not declare. */
  constructor(...made: [IncomingMessage]) {
    super(...made);
    const methods = this as unknown as Carrier;
    methods[EXCHANGE] = undefined;
    methods.writeHead = writeHead;
    methods.write = write;
    methods.end = end;
  }

  override getHeader(name: string): OutgoingHttpHeader | undefined {
    const fields = this[EXCHANGE]?.sentFields;
    if (fields === undefined || typeof name !== 'string') return super.getHeader(name);
    const at = placeOf(fields, name, fields.length);
    return at < 0 ? undefined : fields[at + 1];
  }

  override hasHeader(name: string): boolean {
    return this[EXCHANGE]?.sentFields === undefined || typeof name !== 'string'
      ? super.hasHeader(name)
      : this.getHeader(name) !== undefined;
  }

  override getHeaderNames(): string[] {
    return this[EXCHANGE]?.sentFields === undefined ? super.getHeaderNames() : Object.keys(this.getHeaders());
  }

  override getHeaders(): OutgoingHttpHeaders {
    const fields = this[EXCHANGE]?.sentFields;
    if (fields === undefined) return super.getHeaders();
    const headers = Object.create(null) as OutgoingHttpHeaders;
    for (let at = 0; at < fields.length; at += 2) headers[(fields[at] as string).toLowerCase()] = fields[at + 1]!;
    return headers;
  }

  // Documented by Node, but missing in its types.
  getRawHeaderNames(): string[] {
    return this[EXCHANGE]?.sentFields?.filter((_each, at) => at % 2 === 0).map(String) ?? rawNames.call(this);
  }

  /** A stream of events sends its head before it has any data. */
  override flushHeaders(): void {
    exchangeFor(this).beganAt ||= performance.now();
    super.flushHeaders();
  }
}

const { getRawHeaderNames: rawNames } = ServerResponse.prototype as unknown as { getRawHeaderNames(): string[] };

/** Returns the exchange of a response. One of another server gets the methods of this file above those that it has. */
export function exchangeFor(res: ServerResponse): Exchange {
  const exchange = exchangeBy(res);
  if (exchange.nodeMethods === undefined) {
    const { writeHead: head, write: data, end: last } = res as Carrier;
    exchange.nodeMethods = { writeHead: head, write: data, end: last };
    Object.assign(res, { writeHead, write, end });
  }
  return exchange;
}

/** Adds to the head's list: a function, or a value and its name. Throws if the head has been sent. */
function addToHead(res: ServerResponse, ...added: (string | Stage)[]): void {
  if (headSent.call(res)) {
    throw new PorticoError('PORTICO_HEAD_SENT', {
      message: 'beforeHead was called after the response head had been sent',
      hint: 'Register work on the response before calling the inner app.',
    });
  }
  const exchange = exchangeFor(res);
  const { writeHead: foreign } = res as Carrier;
  if (foreign === writeHead) {
    // Not a push to an empty list, which takes room for seventeen.
    if (exchange.headStages === undefined) exchange.headStages = added;
    else exchange.headStages.push(...added);
    return;
  }
  (res as Carrier).writeHead = writeHead;
  // Other code, such as the package on-headers, has its place in the order: when it calls the method that it replaced, the list goes on.
  const before = (): typeof LATER => {
    foreign.call(res, res.statusCode);
    return LATER;
  };
  exchange.headStages = [...(exchange.headStages ?? []), before, ...added];
}

/** Adds a function to the head's list. */
export function addStage(res: ServerResponse, stage: Stage): void {
  addToHead(res, stage);
}

/** Adds a header, unless what is further in sets it. */
export function defaultHeader(res: ServerResponse, name: string, value: string): void {
  addToHead(res, value, name);
}

/** Writes the head: what the caller gives, then what filters have added, the innermost first. */
export function writeHead(
  this: ServerResponse,
  status: number,
  reason?: string | HeadersArgument,
  headers?: HeadersArgument,
): ServerResponse {
  const exchange = exchangeBy(this);
  const below = exchange.nodeMethods!;
  dropImpliedLength(exchange);
  // Truncates like Node. Invalid arguments (a bad status, a second head) are left for Node to refuse.
  const code = Number(status) | 0;
  const given = typeof reason === 'string' ? headers : (headers ?? reason);
  const isOdd = Array.isArray(given) && !Array.isArray(given[0]) && given.length % 2 === 1;
  if (code < 200 || code > 999 || isOdd || headSent.call(this)) {
    return below.writeHead.call(this, status, reason, headers);
  }
  if (Array.isArray(given) && exchange.headStages === undefined && !exchange.holdsHead) {
    below.writeHead.call(this, status, reason, headers);
    exchange.declaredLength = declaredLength(this) ?? -1;
    return this;
  }
  const fields = asList(exchange, given);
  if (fields !== undefined) {
    below.writeHead.call(this, code, typeof reason === 'string' ? reason : undefined, fields);
    exchange.sentFields = fields;
    exchange.headStages = undefined;
    exchange.declaredLength = declaredLength(this) ?? -1;
    return this;
  }
  this.statusCode = code;
  if (typeof reason === 'string') this.statusMessage = reason;
  foldHeaders(this, given);
  return exchange.holdsHead ? this : resumeHead(exchange);
}

/**
 * Returns the headers of a head as one list of names and values in turn. Undefined if Node has to store them one by one: some are set
 * already, a function has to see them, or one of them is not plain text.
 */
function asList(
  { res, headStages: stages, holdsHead, nodeMethods: below }: Exchange,
  given: HeadersArgument,
): OutgoingHttpHeader[] | undefined {
  if (holdsHead || below !== NODE || !(res instanceof ServedResponse)) return undefined;
  if (nodeHeaderNames.call(res).length > 0) return undefined;
  const added = stages?.length ?? 0;
  for (let at = added - 1; at >= 0; at -= 2) if (typeof stages![at] === 'function') return undefined;
  // With room for all: a list that grows from nothing takes room for seventeen.
  // oxlint-disable-next-line unicorn/no-new-array -- `Array.from` calls a function for each entry
  const fields = new Array<OutgoingHttpHeader>(added + (Array.isArray(given) ? given.length : 4));
  let size = 0;
  if (Array.isArray(given)) {
    for (let at = 0; at < given.length; at += 2) {
      if (!isPlain(given[at], given[at + 1], fields, size)) return undefined;
      fields[size++] = given[at]!;
      fields[size++] = given[at + 1]!;
    }
  } else {
    for (const name in given) {
      if (!isPlain(name, given[name], fields, size)) return undefined;
      fields[size++] = name;
      fields[size++] = given[name]!;
    }
  }
  for (let at = added - 1; at > 0; at -= 2) {
    const name = stages![at] as string;
    if (placeOf(fields, name, size) >= 0) continue;
    fields[size++] = name;
    fields[size++] = stages![at - 1] as string;
  }
  if (fields.length > size) fields.length = size;
  return fields;
}

/**
 * Reports whether a field has one value, and a name that the list does not have yet. Node checks several values each, and rejects the
 * bytes that it makes of a file name.
 */
function isPlain(name: unknown, value: unknown, fields: readonly OutgoingHttpHeader[], size: number): boolean {
  if (typeof name !== 'string' || typeof value === 'object') return false;
  return name.toLowerCase() !== 'content-disposition' && placeOf(fields, name, size) < 0;
}

/** Runs the rest of the head's list, then writes the head, unless a stage writes it or holds it back. */
export function resumeHead(exchange: Exchange): ServerResponse {
  const { headStages: stages = [], nodeMethods: below } = exchange;
  const res = exchange.res!;
  const { statusCode: code, statusMessage: message } = res;
  exchange.holdsHead = false;
  try {
    for (let stage = stages.pop(); stage !== undefined; stage = stages.pop()) {
      if (typeof stage === 'string') {
        const value = stages.pop() as string;
        if (!res.hasHeader(stage)) res.setHeader(stage, value);
        continue;
      }
      exchange.runsStages = true;
      const result = stage(res);
      exchange.runsStages = false;
      if (result instanceof Promise) refusePromise(result);
      // The stage may have written the head, or answered.
      if (result === LATER || headSent.call(res)) return res;
    }
  } catch (error) {
    exchange.runsStages = false;
    thrownByStages.add(Object(error) as object);
    throw error;
  }
  // A message belongs to its status: if a stage changed only the status, the new status gets its usual message.
  if (res.statusCode !== code && res.statusMessage === message) res.statusMessage = '';
  below!.writeHead.call(res, res.statusCode);
  exchange.declaredLength = declaredLength(res) ?? -1;
  return res;
}

const thrownByStages = new WeakSet<object>();

/** Reports whether an error was thrown by a listener of a head. */
export function isOfHeadListener(error: unknown): boolean {
  return typeof error === 'object' && error !== null && thrownByStages.has(error);
}

function refusePromise(result: Promise<unknown>): never {
  const error = new PorticoError('PORTICO_HEAD_PROMISE', {
    message: 'a listener of beforeHead returned a promise, and the response head does not wait for it',
    hint: 'Await before calling the inner app, and pass beforeHead a function that is not async.',
  });
  // The request fails in any case; an unhandled rejection would end the process.
  result.catch((value: unknown) =>
    Object.defineProperty(error, 'cause', { value, configurable: true, writable: true }),
  );
  throw error;
}

const { getHeaderNames: nodeHeaderNames } = ServerResponse.prototype;

/** Returns the index of a name among the first entries; -1 if it is missing. */
function placeOf(fields: readonly OutgoingHttpHeader[], name: string, end: number): number {
  for (let at = 0; at < end; at += 2) {
    const other = fields[at] as string;
    if (other === name || (other.length === name.length && other.toLowerCase() === name.toLowerCase())) return at;
  }
  return -1;
}
