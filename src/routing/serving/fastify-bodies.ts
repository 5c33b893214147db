/**
 * Bodies of a router's actions in Fastify: JSON and what plugins parse, and what routes say they take.
 */
import type { FastifyContentTypeParser, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Fault } from '../../app/index.js';
import { bodyLengthOf, exchangeOf, limitBody, tooLarge } from '../../app/internal.js';
import { FASTIFY } from '../actions/action-request.js';
import { type ActionCall, callOf, type Fail } from './action-call.js';
import { type BodyDone, BodyTypes, hasJsonBody, readJson, WITH_BODY, watchMultipart } from './request-body.js';
import { readTyped } from './typed-body.js';

/** Reads the bodies of one Fastify instance. */
export class FastifyBodies {
  readonly types: BodyTypes;
  readonly #limit: number;
  readonly #fail: Fail;

  constructor(fastify: FastifyInstance, limit: number, fail: Fail) {
    this.#limit = limit;
    this.#fail = fail;
    const read: FastifyContentTypeParser = (request, payload, done) =>
      readJson(payload, request.routeOptions.bodyLimit ?? limit, (error, body, size) => {
        const call = callOf(request.raw);
        // An outer filter has answered meanwhile, which ends the body: Fastify would warn of a second response.
        if (error !== null && (call?.response ?? exchangeOf(request.raw).res)?.writableEnded === true) return;
        if (call !== undefined) call.received = size;
        done(error, body);
      });
    this.types = new BodyTypes(fastify, read);
  }

  /** Prepares a scope for actions that take other types than JSON: parsers of plugins do not read their bodies. */
  ownTypes(scope: FastifyInstance): void {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (request, payload, done) => {
      this.#readTyped(callOf(request.raw)!, payload as FastifyRequest['raw'], (error, body, size) => {
        const call = callOf(request.raw)!;
        if (error !== null && call.response.writableEnded) return;
        call.received = size;
        done(error, body);
      });
    });
  }

  /** Passes on the body of a call; reads it if Fastify has not, because of its method or its length. */
  complete(call: ActionCall, request: FastifyRequest, done: BodyDone): void {
    const { takes } = call.entry;
    if (takes?.isJson === false && call.taken === undefined) this.#readTyped(call, request.raw, done);
    else if (takes?.isJson === true && !WITH_BODY.has(call.verb) && hasJsonBody(request.raw)) {
      readJson(request.raw, call.entry.bodyLimit ?? this.#limit, done);
    } else done(null, request.body, call.received);
  }

  #readTyped(call: ActionCall, payload: FastifyRequest['raw'], done: BodyDone): void {
    const { bodyLimit: ofAction } = call.entry;
    try {
      readTyped(call, payload, { limit: ofAction ?? this.#limit, ofAction }, this.#fail, done);
    } catch (refusal) {
      done(refusal as Error, undefined, 0);
    }
  }

  /**
   * Limits the body for parsers of plugins: Fastify limits only the bodies it reads itself, and plugins may read the request in their own
   * way. Returns the refusal of one that is declared too large.
   */
  bound({ raw: req, routeOptions, server }: FastifyRequest, reply: FastifyReply): Fault | undefined {
    const { raw: res, send } = reply;
    const call = callOf(req);
    // Routes of plugins have their own limits, and so have actions that say what they take.
    if (call === undefined || call.entry.takes?.isJson === false) return undefined;
    const watched = server.hasContentTypeParser('multipart/form-data') ? watchMultipart(req) : undefined;
    if (watched instanceof Fault) return watched;
    call.lacksEnd = watched;
    const limit = routeOptions.bodyLimit ?? this.#limit;
    const length = bodyLengthOf(exchangeOf(req));
    if (length !== -1) {
      call.received = length;
      return length > limit ? tooLarge(limit) : undefined;
    }
    // The same for parsers of plugins: until the action is called, only they can fail.
    reply.send = (...payload) =>
      call[FASTIFY] === undefined && res.writableEnded ? reply : send.apply(reply, payload);
    limitBody(req, limit, () => {
      const fault = tooLarge(limit);
      call.abort(fault);
      if (!res.headersSent) this.#fail(req, res, fault);
      return fault;
    });
    return undefined;
  }
}
