/**
 * The response of an exchange: the class that a `Server` makes, and its three methods, which one of another server gets on first use.
 *
 * `writeHead` runs the one list of the headers, `write` and `end` send the body through its one list of parts (`response-body.ts`). Other
 * code may replace the methods: what is registered later is put inside of it.
 */
import { type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { PorticoError } from '../../errors/index.js';
import { declaredLength } from '../../wire/index.js';
import { dropImpliedLength, EXCHANGE, exchangeBy, NODE, type WithResponse } from '../exchange.js';
import {
  bytesDeclared,
  checkHeader,
  foldHeaders,
  type HeadersArgument,
  type HeadFields,
  isPlain,
  placeOf,
} from '../header-fields.js';
import { looksForExpect } from '../request-fields.js';
import { headSent, type Methods, type Stage } from '../response-methods.js';
import type { CacheControl } from '../server-state.js';
import { appResponds } from '../slot.js';
import { end, lengthError, write } from './response-body.js';

/** The result of a stage that holds the headers back until `resumeHead`, or that leaves it to other code. */
export const LATER: unique symbol = Symbol('portico.headLater');

/** An exchange whose response has the methods of this file. */
export type Responding = WithResponse & { nodeMethods: Methods };

type Carrier = ServerResponse & Methods & { [EXCHANGE]?: Responding | undefined };

/**
 * The three methods are own properties, because Express changes the prototype. Headers that are given to `writeHead` become a list, which
 * functions of the headers read and change, and which takes 2 µs less than Node's own store for five headers.
 */
export class ServedResponse extends ServerResponse {
  declare [EXCHANGE]: Responding | undefined;

  /** Node passes options after the request, which its types do not declare. */
  constructor(...made: [IncomingMessage]) {
    super(...made);
    const methods = this as unknown as Omit<Carrier, 'statusMessage'> & { statusMessage: string | undefined };
    methods[EXCHANGE] = undefined;
    methods.writeHead = writeHead;
    methods.write = write;
    methods.end = end;
    // Otherwise `writeHead` adds the message first, and an application the status.
    this.statusCode = 200;
    methods.statusMessage = undefined;
    looksForExpect(made[0]);
  }

  override getHeader(name: string): OutgoingHttpHeader | undefined {
    const fields = this[EXCHANGE]?.headFields;
    if (fields === undefined || typeof name !== 'string') return super.getHeader(name);
    const at = placeOf(fields, name, fields.length);
    // The package cookies calls Node's own method.
    return at < 0 ? super.getHeader(name) : fields[at + 1];
  }

  override hasHeader(name: string): boolean {
    return this[EXCHANGE]?.headFields === undefined || typeof name !== 'string'
      ? super.hasHeader(name)
      : this.getHeader(name) !== undefined;
  }

  override getHeaderNames(): string[] {
    return this[EXCHANGE]?.headFields === undefined ? super.getHeaderNames() : Object.keys(this.getHeaders());
  }

  override getHeaders(): OutgoingHttpHeaders {
    const fields = this[EXCHANGE]?.headFields;
    if (fields === undefined) return super.getHeaders();
    const headers = Object.assign(Object.create(null) as OutgoingHttpHeaders, super.getHeaders());
    for (let at = 0; at < fields.length; at += 2) headers[String(fields[at]).toLowerCase()] = fields[at + 1];
    return headers;
  }

  override setHeader(name: string, value: number | string | readonly string[]): this {
    const fields = openFields(this);
    if (fields === undefined) return super.setHeader(name, value);
    if (typeof value === 'object' || !isPlain(name, value)) {
      storeFields(this);
      return super.setHeader(name, value);
    }
    checkHeader(name, value);
    const at = placeOf(fields, name, fields.length);
    fields.splice(at < 0 ? fields.length : at, 2, name, value);
    return this;
  }

  override appendHeader(name: string, value: string | readonly string[]): this {
    if (openFields(this) !== undefined) storeFields(this);
    return super.appendHeader(name, value);
  }

  override removeHeader(name: string): void {
    // Node also notes that it must not add the header itself.
    super.removeHeader(name);
    noteRemoval(this, name);
    const fields = openFields(this);
    if (fields === undefined) return;
    const at = placeOf(fields, name, fields.length);
    if (at >= 0) fields.splice(at, 2);
  }

  // Documented by Node, but missing in its types.
  getRawHeaderNames(): string[] {
    const listed = this[EXCHANGE]?.headFields?.filter((_each, at) => at % 2 === 0).map(String) ?? [];
    return [...listed, ...rawNames.call(this)];
  }

  /** A stream of events sends its headers before it has any data. */
  override flushHeaders(): void {
    const exchange = exchangeFor(this);
    if (exchange.beganAt === 0) exchange.beganAt = performance.now();
    if (exchange.settledBy !== 'return') appResponds(exchange);
    super.flushHeaders();
  }
}

const { getRawHeaderNames: rawNames } = ServerResponse.prototype as unknown as { getRawHeaderNames(): string[] };

/** Returns the exchange of a response. One of another server gets the methods of this file above those that it has. */
export function exchangeFor(res: ServerResponse): Responding {
  const exchange = exchangeBy(res);
  if (exchange.nodeMethods === undefined) {
    const { writeHead: head, write: data, end: last } = res as Carrier;
    exchange.nodeMethods = { writeHead: head, write: data, end: last };
    Object.assign(res, { writeHead, write, end });
  }
  return exchange as Responding;
}

/** Returns the exchange of a response, to add to the list of its headers. Throws if the headers have been sent. */
function forHead(res: ServerResponse): Responding {
  if (headSent.call(res)) {
    throw new PorticoError('PORTICO_HEAD_SENT', {
      message: 'beforeHead was called after the response headers had been sent',
      hint: 'Register work on the response before calling the inner app.',
    });
  }
  const exchange = exchangeFor(res);
  const carrier = res as Carrier;
  const { writeHead: foreign } = carrier;
  if (foreign === writeHead) return exchange;
  carrier.writeHead = writeHead;
  // Other code, such as the package on-headers, is part of the order: when it calls the method that it replaced, the list goes on.
  const before = (): typeof LATER => {
    foreign.call(res, res.statusCode);
    return LATER;
  };
  // A new list, because headers that are being written continue with the earlier one.
  exchange.headStages = [...(exchange.headStages ?? []), before];
  return exchange;
}

/** Adds a function to the list for the headers. */
export function addStage(res: ServerResponse, stage: Stage): void {
  addLast(forHead(res), stage);
}

function addLast(exchange: Responding, stage: Stage): void {
  if (exchange.headStages === undefined) exchange.headStages = [stage];
  else exchange.headStages.push(stage);
}

/** Adds a header, unless what is further in sets it. `name`: in lower case. */
export function defaultHeader(res: ServerResponse, name: string, value: string): void {
  const { [EXCHANGE]: known, writeHead: own } = res as Carrier;
  const exchange = known !== undefined && own === writeHead && !headSent.call(res) ? known : forHead(res);
  // Further in than a function, which sees it as set.
  if (exchange.headStages !== undefined) addLast(exchange, () => setMissing(res, name, value));
  // Not a push to an empty list, which takes room for seventeen.
  else if (exchange.headDefaults === undefined) exchange.headDefaults = [name, value];
  else exchange.headDefaults.push(name, value);
}

/** Sets a header that is missing. */
export function setMissing(res: ServerResponse, name: string, value: string): void {
  if (!res.hasHeader(name)) res.setHeader(name, value);
}

/** Writes the headers: what the caller gives, then what filters have added, the innermost first. */
export function writeHead(
  this: Carrier,
  status: number,
  reason?: string | HeadersArgument,
  headers?: HeadersArgument,
): ServerResponse {
  const exchange = this[EXCHANGE] ?? exchangeFor(this);
  const { nodeMethods: below, headStages: stages, headDefaults: defaults } = exchange;
  if (exchange.runsStages) dropImpliedLength(exchange);
  // Truncates like Node. Invalid arguments (a bad status, second headers) are left for Node to refuse.
  const code = Number(status) | 0;
  const given = typeof reason === 'string' ? headers : (headers ?? reason);
  const isOdd = Array.isArray(given) && !Array.isArray(given[0]) && given.length % 2 === 1;
  if (code < 200 || code > 999 || isOdd || headSent.call(this)) {
    return below.writeHead.call(this, status, reason, headers);
  }
  const isPlainList = Array.isArray(given) && stages === undefined && defaults === undefined;
  if (isPlainList && !exchange.holdsHead && !becomesPrivate(exchange)) {
    below.writeHead.call(this, status, reason, headers);
    exchange.declaredLength = bytesDeclared(declaredLength(this));
    return this;
  }
  const fields = asList(exchange, given, false);
  if (fields !== undefined && stages === undefined) {
    below.writeHead.call(this, code, typeof reason === 'string' ? reason : undefined, fields);
    exchange.headFields = fields;
    exchange.headDefaults = undefined;
    exchange.declaredLength = bytesDeclared(declaredLength(this));
    return this;
  }
  if (fields === undefined) foldHeaders(this, given);
  else {
    for (let at = 0; at < fields.length; at += 2) checkHeader(String(fields[at]), fields[at + 1]);
    exchange.headFields = fields;
  }
  this.statusCode = code;
  if (typeof reason === 'string') this.statusMessage = reason;
  return exchange.holdsHead ? this : resumeHead(exchange);
}

/**
 * Returns the headers as one list of names and values in turn, with those that filters have added as data. Undefined if Node
 * has to store them one by one: some are set already, or one of them is not plain text. `areOurs`: no name has to be looked for in the list,
 * because all are in lower case.
 */
export function asList(exchange: WithResponse, given: HeadersArgument, areOurs: boolean): HeadFields | undefined {
  const { res, holdsHead, headFields: open, nodeMethods: below, headStages: stages, headDefaults } = exchange;
  if (holdsHead || open !== undefined || below !== NODE || !(res instanceof ServedResponse)) return undefined;
  if (nodeHeaderNames.call(res).length > 0) return undefined;
  // Functions see the headers before these are added.
  const defaults = stages === undefined && headDefaults !== undefined ? headDefaults : NO_DEFAULTS;
  // As `becomesPrivate`, without a call.
  const isPrivate =
    stages === undefined &&
    (exchange.identity !== undefined || exchange.context?.userId !== undefined) &&
    (exchange.cacheControl ?? exchange.serverState?.cacheControl) !== 'none';
  // With room for all: a list that grows takes room for half as many more, and for sixteen besides.
  const room = (Array.isArray(given) ? given.length : 4) + defaults.length + (isPrivate ? 2 : 0);
  // oxlint-disable-next-line unicorn/no-new-array -- `Array.from` calls a function for each entry
  const fields: HeadFields = new Array(room);
  let size = 0;
  if (Array.isArray(given)) {
    for (; size < given.length; size += 2) {
      const name = given[size];
      if (!isPlain(name, given[size + 1]) || placeOf(fields, name, size) >= 0) return undefined;
      fields[size] = name;
      fields[size + 1] = given[size + 1];
    }
  } else {
    for (const name in given) {
      const value = given[name];
      const isOdd = areOurs ? typeof value === 'object' || name === 'content-disposition' : !isPlain(name, value);
      if (isOdd || (!areOurs && placeOf(fields, name, size) >= 0)) return undefined;
      fields[size++] = name;
      fields[size++] = value;
    }
  }
  for (let at = defaults.length - 2; at >= 0; at -= 2) {
    const name = defaults[at]!;
    // Unless the application has set it.
    if (areOurs ? (given as OutgoingHttpHeaders)[name] !== undefined : placeOf(fields, name, size) >= 0) continue;
    fields[size++] = name;
    fields[size++] = defaults[at + 1];
  }
  if (isPrivate) {
    let at = 0;
    if (areOurs) while (at < size && fields[at] !== CACHE_CONTROL) at += 2;
    else if (placeOf(fields, CACHE_CONTROL, size) < 0) at = size;
    if (at === size) {
      fields[size++] = CACHE_CONTROL;
      fields[size++] = PRIVATE;
    }
  }
  // V8 calls its runtime to set a length, even the same one.
  if (fields.length !== size) fields.length = size;
  return fields;
}

const NO_DEFAULTS: readonly string[] = [];

const PRIVATE: CacheControl = 'private';
const CACHE_CONTROL = 'cache-control';

/** Reports whether an authenticator has accepted the caller, as `isAuthenticated` does, and no option says otherwise. */
function becomesPrivate({ identity, context, cacheControl, serverState }: Responding): boolean {
  if (identity === undefined && context?.userId === undefined) return false;
  return (cacheControl ?? serverState?.cacheControl) !== 'none';
}

/** An application that removes `Cache-Control` wants a response without it. */
function noteRemoval(res: ServerResponse, name: string): void {
  if (name.length === CACHE_CONTROL.length && name.toLowerCase() === CACHE_CONTROL)
    exchangeBy(res).cacheControl = 'none';
}

/** Notes what an application removes from a response of another class, as {@link ServedResponse} does by itself. */
export function noteRemovals(res: ServerResponse): void {
  if (res instanceof ServedResponse) return;
  const { removeHeader } = res;
  res.removeHeader = (name) => {
    removeHeader.call(res, name);
    noteRemoval(res, name);
  };
}

/** Removes a header with the response that had it: the response that replaces it gets the usual ones. */
export function dropHeader(res: ServerResponse, name: string): void {
  const exchange = exchangeBy(res);
  const { cacheControl } = exchange;
  res.removeHeader(name);
  exchange.cacheControl = cacheControl;
}

/** Returns the list of headers that are not sent yet; undefined if Node stores them. */
function openFields(res: ServedResponse): HeadFields | undefined {
  const fields = res[EXCHANGE]?.headFields;
  return fields === undefined || headSent.call(res) ? undefined : fields;
}

/** Lets Node store the headers of the list. */
function storeFields(res: ServedResponse): void {
  const exchange = exchangeFor(res);
  const { headFields: fields = [] } = exchange;
  exchange.headFields = undefined;
  for (let at = 0; at < fields.length; at += 2) res.setHeader(String(fields[at]), fields[at + 1] ?? '');
}

/**
 * Runs the remaining functions of `beforeHead`, adds missing headers, then writes them, unless a function writes or holds them
 * back.
 */
export function resumeHead(exchange: Responding): ServerResponse {
  const { res, headStages: stages, nodeMethods: below } = exchange;
  const { statusCode: code, statusMessage: message } = res;
  if (exchange.holdsHead) exchange.holdsHead = false;
  try {
    for (let stage = stages?.pop(); stage !== undefined; stage = stages?.pop()) {
      exchange.runsStages = true;
      const result = stage(res);
      exchange.runsStages = false;
      if (result instanceof Promise) refusePromise(result);
      // The stage may have written the headers, or responded.
      if (result === LATER || headSent.call(res)) return res;
    }
    const { headDefaults: defaults = [] } = exchange;
    // Each is gone before it is set: a refused one does not take the others from the response to the failure.
    for (let value = defaults.pop(); value !== undefined; value = defaults.pop())
      setMissing(res, defaults.pop()!, value);
    exchange.headDefaults = undefined;
    if (becomesPrivate(exchange)) setMissing(res, CACHE_CONTROL, PRIVATE);
  } catch (error) {
    exchange.runsStages = false;
    if (res instanceof ServedResponse && openFields(res) !== undefined) storeFields(res);
    thrownByStages.add(Object(error) as object);
    throw error;
  }
  // A message belongs to its status: if a stage changed only the status, the new status gets its usual message.
  if (res.statusCode !== code && res.statusMessage === message) res.statusMessage = '';
  const { headFields: fields } = exchange;
  if (fields === undefined) below.writeHead.call(res, res.statusCode);
  else {
    // Node may add them to headers that were set by its own method.
    exchange.headFields = undefined;
    try {
      below.writeHead.call(res, res.statusCode, fields);
    } finally {
      if (!headSent.call(res) || nodeHeaderNames.call(res).length === 0) exchange.headFields = fields;
    }
  }
  exchange.declaredLength = bytesDeclared(declaredLength(res));
  return res;
}

const thrownByStages = new WeakSet<object>();

/** Reports whether an error was thrown by a listener of `beforeHead`. */
export function isOfHeadListener(error: unknown): boolean {
  return typeof error === 'object' && error !== null && thrownByStages.has(error);
}

function refusePromise(result: Promise<unknown>): never {
  const error = new PorticoError('PORTICO_HEAD_PROMISE', {
    message: 'a listener of beforeHead returned a promise, and the response headers do not wait for it',
    hint: 'Await before calling the inner app, and pass beforeHead a function that is not async.',
  });
  // The request fails in any case; an unhandled rejection would end the process.
  result.catch((value: unknown) =>
    Object.defineProperty(error, 'cause', { value, configurable: true, writable: true }),
  );
  throw error;
}

const { getHeaderNames: nodeHeaderNames } = ServerResponse.prototype;

/**
 * Sends a whole response: headers, which declare the length of the body, and the body. `headers`: by name in lower case. If nothing has to
 * see them in between, Node gets both at once. Throws if another length was set before.
 */
export function sendWhole(
  res: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  body: string | Uint8Array | undefined,
): void {
  const { [EXCHANGE]: exchange, writeHead: head, end: last } = res as Carrier;
  const isOurs = exchange !== undefined && head === writeHead && last === end && !headSent.call(res) && !res.destroyed;
  const isDirect = isOurs && exchange.headStages === undefined && exchange.bodyWay === undefined;
  const fields = isDirect ? asList(exchange, headers, true) : undefined;
  const { 'content-length': given = -1 } = headers;
  // Nearly always a number.
  const length = typeof given === 'number' ? given : bytesDeclared(given);
  if (!isDirect || fields === undefined) {
    const declared = res.getHeader('content-length');
    if (declared !== undefined && length !== -1 && bytesDeclared(declared) !== length)
      throw lengthError(declared, length);
    res.writeHead(status, headers);
    res.end(body);
    return;
  }
  NODE.writeHead.call(res, status, undefined, fields);
  exchange.headFields = fields;
  exchange.headDefaults = undefined;
  exchange.declaredLength = length;
  exchange.writtenBytes = body === undefined ? 0 : exchange.declaredLength;
  exchange.bodyEnded = true;
  if (exchange.beganAt === 0) exchange.beganAt = performance.now();
  NODE.end.call(res, body);
}
