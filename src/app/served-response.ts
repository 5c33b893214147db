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
    const at = placeOf(fields, name);
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

/** Returns the list of what filters add to the head of a response. Throws if the head has been sent. */
function stagesOf(res: ServerResponse): (string | Stage)[] {
  if (headSent.call(res)) {
    throw new PorticoError('PORTICO_HEAD_SENT', {
      message: 'beforeHead was called after the response head had been sent',
      hint: 'Register work on the response before calling the inner app.',
    });
  }
  const exchange = exchangeFor(res);
  exchange.headStages ??= [];
  const { writeHead: foreign } = res as Carrier;
  if (foreign !== writeHead) {
    // Other code, such as the package on-headers, has its place in the order: when it calls the method that it replaced, the list goes on.
    exchange.headStages.push(() => {
      foreign.call(res, res.statusCode);
      return LATER;
    });
    (res as Carrier).writeHead = writeHead;
  }
  return exchange.headStages;
}

/** Adds a function to the head's list. */
export function addStage(res: ServerResponse, stage: Stage): void {
  stagesOf(res).push(stage);
}

/** Adds a header, unless what is further in sets it. */
export function defaultHeader(res: ServerResponse, name: string, value: string): void {
  stagesOf(res).push(value, name);
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
  if (holdsHead || below !== NODE || !(res instanceof ServedResponse) || Array.isArray(given)) return undefined;
  if (nodeHeaderNames.call(res).length > 0) return undefined;
  for (let at = (stages?.length ?? 0) - 1; at >= 0; at -= 2) if (typeof stages![at] === 'function') return undefined;
  const fields: OutgoingHttpHeader[] = [];
  for (const name in given) {
    const value = given[name]!;
    // Node checks several values each, and rejects the bytes that it makes of a file name.
    if (typeof value === 'object' || name.toLowerCase() === 'content-disposition') return undefined;
    const at = placeOf(fields, name);
    if (at < 0) fields.push(name, value);
    else fields.splice(at, 2, name, value);
  }
  for (let at = (stages?.length ?? 0) - 1; at > 0; at -= 2) {
    const name = stages![at] as string;
    if (placeOf(fields, name) < 0) fields.push(name, stages![at - 1] as string);
  }
  return fields;
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

/** Returns the index of a name; -1 if it is missing. */
function placeOf(fields: readonly OutgoingHttpHeader[], name: string): number {
  for (let at = 0; at < fields.length; at += 2) {
    const other = fields[at] as string;
    if (other === name || (other.length === name.length && other.toLowerCase() === name.toLowerCase())) return at;
  }
  return -1;
}
