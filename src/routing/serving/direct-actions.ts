/**
 * The actions of a router without plugins: reads their bodies and sends their responses.
 */
import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage, OutgoingHttpHeader, ServerResponse } from 'node:http';
import { finished } from 'node:stream';
import type { App, MatchedRoute } from '../../app/index.js';
import { compileResponse, pipeInto } from '../../app/internal.js';
import type { Logger } from '../../log/index.js';
import { SENT } from '../actions/action-request.js';
import { responseKey } from '../actions/compiled-action.js';
import type { ActionCall, Answering, Fail } from './action-call.js';
import { callOf } from './action-call.js';
import { type ActionEngine, DEFAULT_BODY_LIMIT, logAt } from './action-engine.js';
import { type Answer, discardAnswer } from './answer.js';
import { type AnswerTypes, type Serializer, typesOf } from './answer-types.js';
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
    const { bodyLimit = DEFAULT_BODY_LIMIT, invalidInputStatus } = parts.options;
    this.#parts = parts;
    this.#fail = fail;
    this.bodyLimit = bodyLimit;
    this.invalidInputStatus = invalidInputStatus;
    this.types = typesOf(parts.options);
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
    this.#fail(req, res, error);
  }

  send(call: ActionCall, { status, headers, body, stream, serializer }: Answer): void {
    const { req, res } = call.request;
    const isHead = call.verb === 'HEAD';
    if (status === 204) {
      // RFC 9110 §8.6: it has neither.
      for (const name of ['content-type', 'content-length']) {
        delete headers[name];
        res.removeHeader(name);
      }
      discardAnswer(stream);
      res.writeHead(status, headers).end();
      return;
    }
    if (stream !== undefined) {
      this.#sendStream(req, res, status, headers, stream);
      return;
    }
    const data = body === undefined ? undefined : bytesOrText(body, serializer, res, headers);
    if (data === undefined) {
      if (status !== 304 && !isHead) headers['content-length'] = 0;
    } else if (!isHead || headers['content-length'] === undefined) {
      headers['content-length'] = typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength;
    }
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
    stream: NodeJS.ReadableStream,
  ): void {
    res.statusCode = status;
    setHeaders(res, headers);
    let isOpen = true;
    finished(stream, { readable: true, writable: false }, (error) => {
      isOpen = false;
      if (error == null) return;
      if (!res.headersSent) this.#fail(req, res, error);
      // For the log. Not if the client has disconnected, or another response has replaced this one.
      else if (!res.destroyed && !res.writableEnded) res.destroy(error);
    });
    // Also for a response that is closed already.
    finished(res, () => {
      if (isOpen) discardAnswer(stream);
    });
    pipeInto(res, stream, (error) => this.#fail(req, res, error));
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
