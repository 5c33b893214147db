/**
 * The actions of a router without plugins: reads their bodies and sends their responses.
 */
import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage, OutgoingHttpHeader, ServerResponse } from 'node:http';
import { finished, type Readable } from 'node:stream';
import type { App, MatchedRoute } from '../../app/index.js';
import { compileResponse, endUpgrade, guardPipe, isUpgraded } from '../../app/internal.js';
import type { Logger } from '../../log/index.js';
import { SENT } from '../actions/action-request.js';
import { responseKey } from '../actions/compiled-action.js';
import type { ActionCall, Answering, Fail } from './action-call.js';
import { callOf } from './action-call.js';
import { type ActionEngine, DEFAULT_BODY_LIMIT, logAt } from './action-engine.js';
import type { Answer } from './answer.js';
import { AnswerTypes, type Serializer } from './answer-types.js';
import { compileResponses, type ResponseCompiler, type Serializers } from './compile-responses.js';
import { readJson, refuseEncoding, refuseOtherType, WITH_BODY } from './request-body.js';
import type { RouterParts, ServedAction } from './served-route.js';

/** Runs actions without Fastify. */
export class DirectActions implements ActionEngine, Answering {
  readonly bodyLimit: number;
  readonly logs = new Map<MatchedRoute, Logger>();
  readonly own = undefined;
  readonly types: AnswerTypes | null;
  readonly invalidInputStatus: number | undefined;
  readonly #parts: RouterParts;
  readonly #fail: Fail;
  #serializers: Serializers = new Map();

  constructor(parts: RouterParts, fail: Fail) {
    const { bodyLimit = DEFAULT_BODY_LIMIT, invalidInputStatus, serializers, strictAccept } = parts.options;
    this.#parts = parts;
    this.#fail = fail;
    this.bodyLimit = bodyLimit;
    this.invalidInputStatus = invalidInputStatus;
    const types = new AnswerTypes(serializers, strictAccept);
    this.types = types.isChoice ? types : null;
  }

  async start(served: readonly ServedAction[]): Promise<() => Promise<void>> {
    for (const { settings, matched } of served) {
      if (settings.logLevel !== undefined) this.logs.set(matched, logAt(this.#parts.log, settings.logLevel));
    }
    this.#serializers = compileResponses(served, compileResponse as ResponseCompiler, this.#parts);
    return async () => undefined;
  }

  readonly handle: App = (req, res) => {
    const call = callOf(req)!;
    guardPipe(res, (error) => this.#fail(req, res, error));
    if (!WITH_BODY.has(call.verb ?? '')) {
      call.run(undefined, this);
      return;
    }
    refuseEncoding(req);
    if (!refuseOtherType(req)) {
      call.run(undefined, this);
      return;
    }
    // The parser emits the data of a request outside of its async context. AsyncResource.bind takes 60 µs on Node 20.
    const scope = new AsyncResource('portico.body');
    readJson(req, call.entry.bodyLimit ?? this.bodyLimit, (error, body, size) => {
      call.received = size;
      if (error === null) scope.runInAsyncScope(call.run, call, body, this);
      // An outer filter may have answered meanwhile, which ends the body.
      else if (!res.writableEnded) {
        if (!res.headersSent) res.setHeader('connection', 'close');
        scope.runInAsyncScope(this.failed, this, call, error);
      }
    });
  };

  isAnswered({ request: { res } }: ActionCall, value: unknown): boolean {
    return value === SENT || res.writableEnded || (value === undefined && (res.headersSent || res.destroyed));
  }

  headerOf({ request: { res } }: ActionCall, name: string): OutgoingHttpHeader | undefined {
    return res.getHeader(name);
  }

  serializerOf({ method }: ActionCall, status: number): Serializer | undefined {
    const { response } = method!;
    const key = response === undefined ? undefined : responseKey(status, response);
    return key === undefined ? undefined : this.#serializers.get(method!)?.get(key);
  }

  failed({ request: { req, res } }: ActionCall, error: unknown): void {
    if (isUpgraded(req)) endUpgrade(req, res);
    this.#fail(req, res, error);
  }

  send(call: ActionCall, { status, headers, body, serializer }: Answer): void {
    const { req, res } = call.request;
    const isHead = call.verb === 'HEAD';
    const isEmpty = body === undefined || status < 200 || status === 204;
    if (!isEmpty && typeof body === 'object' && serializer === undefined && isStream(body)) {
      this.#sendStream(req, res, status, headers, body);
      return;
    }
    const data = isEmpty ? undefined : bytesOrText(body, serializer, res, headers);
    if (status < 200 || status === 204) {
      // RFC 9110 §8.6: these have neither.
      for (const name of ['content-type', 'content-length']) {
        delete headers[name];
        res.removeHeader(name);
      }
    } else if (data !== undefined) {
      if (!isHead || headers['content-length'] === undefined) {
        headers['content-length'] = typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength;
      }
    } else if (status !== 304 && !isHead) headers['content-length'] = 0;
    res.writeHead(status, headers);
    if (data === undefined) res.end();
    else res.end(data);
  }

  /** The head waits for the first chunk, so that a stream that fails before it is answered with an error. */
  #sendStream(
    req: IncomingMessage,
    res: ServerResponse,
    status: number,
    headers: Answer['headers'],
    stream: Readable,
  ): void {
    res.statusCode = status;
    setHeaders(res, headers);
    let isOpen = true;
    finished(stream, { readable: true, writable: false }, (error) => {
      isOpen = false;
      if (error == null) return;
      if (!res.headersSent && !req.destroyed) this.#fail(req, res, error);
      // For the log; already destroyed if the client disconnected.
      else if (!res.destroyed) res.destroy(error);
    });
    res.once('close', () => {
      if (isOpen && typeof stream.destroy === 'function') stream.destroy();
    });
    stream.pipe(res);
  }
}

/** Headers of an action stay in the response to a value that cannot be written. */
function bytesOrText(
  body: unknown,
  serializer: Serializer | undefined,
  res: ServerResponse,
  headers: Answer['headers'],
): string | Uint8Array {
  if (serializer === undefined) return body as string | Uint8Array;
  try {
    return serializer(body);
  } catch (error) {
    setHeaders(res, headers);
    throw error;
  }
}

function setHeaders(res: ServerResponse, headers: Answer['headers']): void {
  for (const name of Object.keys(headers)) res.setHeader(name, headers[name]!);
}

function isStream(body: unknown): body is Readable {
  return typeof (body as Partial<Readable>).pipe === 'function';
}
