/**
 * Work on a response's head, registered on the way in and run when the head is about to be written.
 */
import type { ServerResponse } from 'node:http';
import { PorticoError } from '../errors/index.js';
import { foldHeaders, type HeadersArgument } from './headers.js';
import { ownPatch } from './response-patches.js';

/** Sees status and headers while they can still be changed. */
export type HeadListener = (res: ServerResponse) => void;

/**
 * Runs `listener` just before the response head is written, while status and headers can still be changed.
 *
 * Listeners run in reverse order of registration, so an outer filter has the last word, as with WSGI's start_response.
 * They see the headers given to `writeHead` as if they had been set one by one, and run for implicit heads too. Each
 * runs once; a throw goes to the caller that wrote the head, and the listeners further out run when the failure is answered.
 * Informational answers (1xx) are no heads. Costs nothing when unused. Throws `PORTICO_HEAD_SENT` when it is too late.
 */
export function beforeHead(res: ServerResponse, listener: HeadListener): void {
  if (res.headersSent) {
    throw new PorticoError('PORTICO_HEAD_SENT', {
      message: 'beforeHead was called after the response head had been sent',
      hint: 'Register work on the response on the way in, before calling the inner app.',
    });
  }
  const carrier = res as unknown as Carrier;
  const current = carrier[LAYER];
  if (current !== undefined && carrier.writeHead === current.writeHead) {
    current.listeners.push(listener);
    return;
  }
  const { writeHead: below } = carrier;
  const layer = current === undefined ? firstLayer(res, below, listener) : newLayer(res, below, listener, current);
  carrier[LAYER] = layer;
  carrier.writeHead = layer.writeHead;
}

/** Sets those that are not there, names and values in turn. */
export function setMissingHeaders(res: ServerResponse, headers: readonly string[]): void {
  for (let at = 0; at < headers.length; at += 2) {
    if (!res.hasHeader(headers[at]!)) res.setHeader(headers[at]!, headers[at + 1]!);
  }
}

/**
 * One replaced `writeHead` and the listeners it runs. Other code may wrap `writeHead` in between (the package
 * on-headers does); a listener registered after that belongs to a layer of its own, so that reverse order holds.
 */
interface Layer {
  readonly res: ServerResponse;
  /** What was replaced. */
  readonly below: WriteHead;
  readonly writeHead: WriteHead;
  readonly listeners: HeadListener[];
  /** The oldest layer of the response; undefined: this one. */
  readonly first: Layer | undefined;
}

type WriteHead = (status: number, reason?: string | HeadersArgument, headers?: HeadersArgument) => ServerResponse;

const LAYER: unique symbol = Symbol('portico.beforeHead');

interface Carrier {
  /** The newest. */
  [LAYER]?: Layer;
  writeHead: WriteHead;
}

function firstLayer(res: ServerResponse, below: WriteHead, listener: HeadListener): Layer {
  return { res, below, writeHead: writeFirstHead, listeners: [listener], first: undefined };
}

function newLayer(res: ServerResponse, below: WriteHead, listener: HeadListener, before: Layer): Layer {
  const writeHead: WriteHead = ownPatch((status, reason, headers) => writeThrough(layer, status, reason, headers));
  const layer: Layer = { res, below, writeHead, listeners: [listener], first: before.first ?? before };
  return layer;
}

/** The first layer is nearly always the only one: its `writeHead` is one function for all responses, no closure. */
const writeFirstHead = ownPatch(function writeFirstHead(
  this: unknown,
  status: number,
  reason?: string | HeadersArgument,
  headers?: HeadersArgument,
): ServerResponse {
  const layer = (this as Carrier)[LAYER]!;
  return writeThrough(layer.first ?? layer, status, reason, headers);
});

function writeThrough(
  layer: Layer,
  status: number,
  reason: string | HeadersArgument,
  headers: HeadersArgument,
): ServerResponse {
  const { res, below, listeners } = layer;
  // Truncated as Node does it. What Node will refuse (a bad status, a second head) is left for Node to refuse.
  const code = Number(status) | 0;
  const headersArgument = typeof reason === 'string' ? headers : (headers ?? reason);
  if (listeners.length === 0 || res.headersSent || code < 200 || code > 999 || isOdd(headersArgument)) {
    return below.call(res, status, reason, headers);
  }
  res.statusCode = code;
  if (typeof reason === 'string') res.statusMessage = reason;
  foldHeaders(res, headersArgument);
  const message = res.statusMessage;
  for (let listener = listeners.pop(); listener !== undefined; listener = listeners.pop()) {
    listener(res);
    // A listener may have written the head, or answered.
    if (res.headersSent) return res;
  }
  // A message belongs to its status: a listener that changed only the status gets the usual message for it.
  if (res.statusCode !== code && res.statusMessage === message) res.statusMessage = '';
  return below.call(res, res.statusCode);
}

const isOdd = (headers: HeadersArgument): boolean =>
  Array.isArray(headers) && !Array.isArray(headers[0]) && headers.length % 2 === 1;
