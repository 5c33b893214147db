/** Listeners for the head of a response, registered on the way in and run just before the head is written. */
import { type OutgoingHttpHeaders, ServerResponse, validateHeaderName, validateHeaderValue } from 'node:http';
import { PorticoError } from '../errors/index.js';
import { type HeadFields, placeOfField } from './head-fields.js';
import { foldHeaders, type HeadersArgument } from './headers.js';
import { headSent, ownPatch } from './response-methods.js';

/** Sees status and headers while they can still be changed. */
export type HeadListener = (res: ServerResponse) => void;

/**
 * Runs `listener` just before the response head is written, while status and headers can still be changed.
 *
 * Listeners run in reverse order of registration, so that an outer filter has the last word, as with WSGI's start_response. They see
 * headers given to `writeHead` as if they had been set one by one, and run for implicit heads too. Each runs once; an error goes to the
 * caller that wrote the head, and the remaining listeners run when the failure is answered. A listener that returns a promise fails the
 * request with `PORTICO_HEAD_PROMISE`: the head does not wait. Informational responses (1xx) do not count as heads. Costs nothing if
 * unused. Throws `PORTICO_HEAD_SENT` if the head has already been sent.
 */
export function beforeHead(res: ServerResponse, listener: HeadListener): void {
  addStage(res, listener);
}

/** The result of a stage that holds the head back until {@link HeadLayer.resume}. */
export const HELD: unique symbol = Symbol('portico.headHeld');

/** A listener, or a stage that decides about the body along with the head. */
type Stage = (res: ServerResponse) => unknown;

/** Works like {@link beforeHead}, for a stage that may hold the head back. Returns the layer of the stage. */
export function addStage(res: ServerResponse, stage: Stage): HeadLayer {
  if (headSent.call(res)) {
    throw new PorticoError('PORTICO_HEAD_SENT', {
      message: 'beforeHead was called after the response head had been sent',
      hint: 'Register work on the response before calling the inner app.',
    });
  }
  const carrier = res as unknown as Carrier;
  const current = carrier[LAYER];
  if (current !== undefined && carrier.writeHead === current.writeHead) {
    current.stages.push(stage);
    return current;
  }
  const layer = new HeadLayer(res, carrier.writeHead, stage, current);
  carrier[LAYER] = layer;
  carrier.writeHead = layer.writeHead;
  return layer;
}

/** Sets those headers that are missing. `headers`: names and values in turn. */
export function setMissingHeaders(res: ServerResponse, headers: readonly string[]): void {
  for (let at = 0; at < headers.length; at += 2) {
    if (!res.hasHeader(headers[at]!)) res.setHeader(headers[at]!, headers[at + 1]!);
  }
}

const thrownByStages = new WeakSet<object>();

/** Reports whether an error was thrown by a listener of a head. */
export function isOfHeadListener(error: unknown): boolean {
  return typeof error === 'object' && error !== null && thrownByStages.has(error);
}

type WriteHead = (status: number, reason?: string | HeadersArgument, headers?: HeadersArgument) => ServerResponse;

/** The key of a response's newest layer. */
export const LAYER: unique symbol = Symbol('portico.beforeHead');

/** The key of a response's headers as a list: while the stages that see them run, and after the head. Otherwise Node stores the headers. */
export const FIELDS: unique symbol = Symbol('portico.headFields');

/** The key that marks responses whose methods use the list: `ServedResponse`. */
export const KEEPS_FIELDS: unique symbol = Symbol('portico.keepsFields');

const {
  writeHead: nodeWriteHead,
  getHeaderNames: nodeHeaderNames,
  hasHeader: nodeHasHeader,
  setHeader: nodeSetHeader,
} = ServerResponse.prototype;

/** Ends the list before the head is sent and moves its headers to Node. A header that was set around the list stays. */
export function foldFields(res: ServerResponse): void {
  const carrier = res as unknown as Carrier;
  const fields = carrier[FIELDS];
  if (fields === undefined || headSent.call(res)) return;
  carrier[FIELDS] = undefined;
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] as string;
    if (!nodeHasHeader.call(res, name)) nodeSetHeader.call(res, name, fields[at + 1]!);
  }
}

interface Carrier {
  /** The newest layer. */
  [LAYER]?: HeadLayer;
  [FIELDS]?: HeadFields | undefined;
  readonly [KEEPS_FIELDS]?: true;
  writeHead: WriteHead;
}

/**
 * One replaced `writeHead` and the stages that it runs. Other code (such as the package on-headers) may wrap `writeHead` in between; a
 * later stage then gets its own layer, so that the reverse order holds.
 */
export class HeadLayer {
  declare readonly res: ServerResponse;
  /** The replaced method. */
  declare readonly below: WriteHead;
  declare readonly writeHead: WriteHead;
  /** Stages that have not run. */
  declare readonly stages: Stage[];
  /** The oldest layer of the response. */
  declare readonly first: HeadLayer;
  /** The head is held back; changes to it are stored on the response. */
  declare held: boolean;

  constructor(res: ServerResponse, below: WriteHead, stage: Stage, before: HeadLayer | undefined) {
    this.res = res;
    this.below = below;
    this.stages = [stage];
    this.first = before?.first ?? this;
    this.held = false;
    this.writeHead = before === undefined ? writeFirstHead : ownPatch((...args) => this.write(...args));
  }

  write(status: number, reason: string | HeadersArgument, headers?: HeadersArgument): ServerResponse {
    const { res, below } = this;
    const carrier = res as unknown as Carrier;
    // Truncates like Node. Invalid arguments (a bad status, a second head) are left for Node to refuse.
    const code = Number(status) | 0;
    const given = typeof reason === 'string' ? headers : (headers ?? reason);
    const isLeft = (this.stages.length === 0 && !this.held) || headSent.call(res) || code < 200 || code > 999;
    if (isLeft || (Array.isArray(given) && isOdd(given))) {
      foldFields(res);
      return below.call(res, status, reason, headers);
    }
    res.statusCode = code;
    if (typeof reason === 'string') res.statusMessage = reason;
    // No header is set yet, and no other code is between this layer and Node.
    const isFree = carrier[FIELDS] === undefined && !this.held && nodeHeaderNames.call(res).length === 0;
    const canList = isFree && carrier[KEEPS_FIELDS] === true && below === nodeWriteHead && !Array.isArray(given);
    let fields: HeadFields | undefined = canList ? [] : undefined;
    const listed = (canList ? given : undefined) as OutgoingHttpHeaders | undefined;
    for (const name of Object.keys(listed ?? {})) {
      const value = listed![name]!;
      // Node checks each of several values separately.
      if (typeof value === 'object' && value !== null) fields = undefined;
      if (fields === undefined) break;
      validateHeaderName(name);
      if (typeof value !== 'number') validateHeaderValue(name, value as string);
      const at = fields.length === 0 ? -1 : placeOfField(fields, name);
      if (at < 0) fields.push(name, value);
      else fields.splice(at, 2, name, value);
    }
    if (fields === undefined) foldHeaders(res, given);
    else carrier[FIELDS] = fields;
    return this.held ? res : this.resume();
  }

  /** Runs the remaining stages, then writes the head, unless a stage holds it or has written it. */
  resume(): ServerResponse {
    const { res, stages, below } = this;
    const { statusCode: code, statusMessage: message } = res;
    this.held = false;
    try {
      for (let stage = stages.pop(); stage !== undefined; stage = stages.pop()) {
        const result = stage(res);
        if (result instanceof Promise) refusePromise(result);
        if (result === HELD) {
          this.held = true;
          foldFields(res);
          return res;
        }
        // The stage may have written the head, or answered.
        if (headSent.call(res)) return res;
      }
    } catch (error) {
      foldFields(res);
      thrownByStages.add(Object(error) as object);
      throw error;
    }
    // A message belongs to its status: if a stage changed only the status, the new status gets its usual message.
    if (res.statusCode !== code && res.statusMessage === message) res.statusMessage = '';
    const carrier = res as unknown as Carrier;
    const fields = carrier[FIELDS];
    if (fields === undefined) return below.call(res, res.statusCode);
    // Node rejects the bytes that it makes of this header in a list; and headers set around the list take precedence.
    if (placeOfField(fields, 'content-disposition') >= 0 || nodeHeaderNames.call(res).length > 0) {
      foldFields(res);
      return below.call(res, res.statusCode);
    }
    carrier[FIELDS] = undefined;
    try {
      return below.call(res, res.statusCode, fields);
    } finally {
      carrier[FIELDS] = fields;
      if (!headSent.call(res)) foldFields(res);
    }
  }

  /** Makes a stage that held the head judge the next one, because another response replaces the held one. */
  again(stage: Stage): void {
    this.held = false;
    this.stages.push(stage);
  }
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

/** The first layer is nearly always the only one: its `writeHead` is one function for all responses, not a closure. */
const writeFirstHead = ownPatch(function writeFirstHead(
  this: unknown,
  status: number,
  reason?: string | HeadersArgument,
  headers?: HeadersArgument,
): ServerResponse {
  return (this as Carrier)[LAYER]!.first.write(status, reason, headers);
});

const isOdd = (headers: readonly unknown[]): boolean => !Array.isArray(headers[0]) && headers.length % 2 === 1;
