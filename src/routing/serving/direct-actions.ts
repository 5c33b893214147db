/**
 * The actions of a router without plugins: reads their bodies and sends their responses.
 */
import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { finished } from 'node:stream';
import type { MatchedRoute } from '../../app/index.js';
import {
  appSettled,
  bytesDeclared,
  collectBody,
  compileResponse,
  foldHeaders,
  lengthError,
  sendWhole,
  watchPipe,
} from '../../app/internal.js';
import type { Logger } from '../../log/index.js';
import { responseKey } from '../actions/compiled-action.js';
import { SENT } from '../actions/reply.js';
import type { ActionCall, Fail } from './action-call.js';
import { type ActionEngine, DEFAULT_BODY_LIMIT, logAt } from './action-engine.js';
import { type Answer, type AnswerTypes, answerOf, discardAnswer, type Serializer, typesOf } from './answer.js';
import { compileResponses, type ResponseCompiler, type Serializers } from './compile-responses.js';
import { hasJsonBody, parseJsonBody, readTyped, WITH_BODY } from './request-body.js';
import type { RouterParts, ServedAction, ServedMethod } from './served-route.js';

/** Runs actions without Fastify. */
export class DirectActions implements ActionEngine {
  readonly bodyLimit: number;
  readonly logs = new Map<MatchedRoute, Logger>();
  readonly own = undefined;
  readonly asksGuards = false;
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

  take(call: ActionCall, req: IncomingMessage): void {
    const { bodyLimit = this.bodyLimit, takes } = call.entry;
    if (takes?.isJson === false) {
      this.#takeTyped(call, req);
      return;
    }
    if ((takes === undefined && !WITH_BODY.has(call.verb)) || !hasJsonBody(req)) {
      call.run(undefined, this);
      return;
    }
    call.slot.settledBy = 'report';
    // The parser emits the data of a request outside of its async context. AsyncResource.bind takes 60 µs on Node 20.
    const scope = new AsyncResource('portico.body');
    collectBody(req, bodyLimit, (error, bytes) => scope.runInAsyncScope(this.#received, this, call, error, bytes));
  }

  #received(call: ActionCall, error: Error | null, bytes: Buffer | undefined): void {
    let body: unknown;
    try {
      body = parseJsonBody(error, bytes);
    } catch (refusal) {
      this.#refused(call, refusal);
      return;
    }
    call.received = bytes!.length;
    call.run(body, this);
  }

  #takeTyped(call: ActionCall, req: IncomingMessage): void {
    const { bodyLimit: ofAction } = call.entry;
    const scope = new AsyncResource('portico.body');
    call.slot.settledBy = 'report';
    try {
      readTyped(call, req, { limit: ofAction ?? this.bodyLimit, ofAction }, this.#fail, (error, body, size) => {
        call.received = size;
        if (error === null) scope.runInAsyncScope(call.run, call, body, this);
        else scope.runInAsyncScope(this.#refused, this, call, error);
      });
    } catch (refusal) {
      this.#refused(call, refusal);
    }
  }

  #refused(call: ActionCall, refusal: unknown): void {
    const { response: res } = call;
    // An outer filter may have responded meanwhile, which ends the body.
    if (!res.writableEnded) {
      if (!res.headersSent) res.setHeader('connection', 'close');
      this.failed(call, refusal);
    }
    appSettled(call.slot);
  }

  failed({ req, response }: ActionCall, error: unknown): void {
    this.#fail(req, response, error);
  }

  answer(call: ActionCall, value: unknown): void {
    const { req, response: res } = call;
    // The deadline has passed, or the action did it, perhaps with a stream whose client disconnected.
    const isAnswered =
      value === SENT || res.writableEnded || (value === undefined && (res.headersSent || res.destroyed));
    if (isAnswered) {
      discardAnswer(value);
      return;
    }
    const { response } = call.served!;
    const serializerOf = response && ((status: number) => this.#serializerOf(call.served!, status));
    const { status, headers, body, stream, serializer } = answerOf(value, call, res, serializerOf);
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
    let data = body as string | Uint8Array | undefined;
    if (serializer !== undefined) {
      try {
        data = serializer(body);
      } catch (error) {
        // They stay in the response to a value that cannot be written.
        foldHeaders(res, headers);
        throw error;
      }
    }
    if (data !== undefined || (status !== 304 && call.verb !== 'HEAD')) {
      const length = data === undefined ? 0 : typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength;
      const { 'content-length': declared } = headers;
      if (declared !== undefined && bytesDeclared(declared) !== length) throw lengthError(declared, length);
      headers['content-length'] = length;
    }
    sendWhole(res, status, headers, data);
  }

  #serializerOf(method: ServedMethod, status: number): Serializer | undefined {
    const key = responseKey(status, method.response!);
    return key === undefined ? undefined : this.#serializers.get(method)?.get(key);
  }

  /** The headers wait for the first chunk, so that a stream that fails before it gets an error. */
  #sendStream(
    req: IncomingMessage,
    res: ServerResponse,
    status: number,
    headers: Answer['headers'],
    stream: NodeJS.ReadableStream,
  ): void {
    res.statusCode = status;
    foldHeaders(res, headers);
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
    watchPipe(res, (error) => this.#fail(req, res, error));
    stream.pipe(res);
  }
}
