/**
 * Trials of requests through a composed app, in this process: without a port, and without code of the application at the end
 * (`Trial` of `src/app`). One app responds to many of them.
 */
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { App } from '../../app/index.js';
import {
  answering,
  Exchange,
  ServedRequest,
  ServedResponse,
  type ServerState,
  shareState,
  Trial,
  type TrialEnd,
  type UnknownPart,
} from '../../app/internal.js';
import { silentLogger } from '../../log/internal.js';
import type { Refusal } from '../connections/refusal.js';
import type { WsgiOptions } from '../wsgi-options.js';
import { requestGuard } from './request-guard.js';
import { serverFailures } from './server-failures.js';

/** A request as a client would send it. */
export interface TriedRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** Names in lower case, with each value of a repeated field. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly secure: boolean;
  readonly body?: string | undefined;
  /** The API version that it names. Default: as its headers say. */
  readonly version?: string | undefined;
  /** Its unknown parts. Default: none. */
  readonly unknown?: readonly UnknownPart[] | undefined;
}

/** The result of a trial. */
export interface TriedAnswer {
  readonly trial: Trial;
  /** The status of the response; undefined if none came. */
  readonly status: number | undefined;
  /** The end at code of the application, which decides the status; undefined if something else responds. */
  readonly end: TrialEnd | undefined;
  /** Template of the route, with the mounts before it. */
  readonly route: string | undefined;
  /** The API version that applies. */
  readonly version: string | undefined;
  /** The server's refusal of the request, before the app; undefined if the app got it. */
  readonly refusal: Refusal | undefined;
}

/** Limits of the server that decide about a request. */
type TrialLimits = Parameters<typeof requestGuard>[0] & Pick<WsgiOptions, 'serverDebug'>;

/** A filter of another package may wait for what does not come. */
const LONGEST_MS = 10_000;
/** The wait of requests after one without a response: a replay has thousands of them. */
const NEXT_LONGEST_MS = 500;

/** Returns a function that tries a request. */
export function trialServer(app: App, limits: TrialLimits): (request: TriedRequest) => Promise<TriedAnswer> {
  const guard = requestGuard(limits);
  const state: ServerState = { pathsAsSent: limits.paths === 'as_sent' };
  const server = {};
  shareState(server, state);
  let longestMs = LONGEST_MS;
  const answered = answering(app, serverFailures(silentLogger(), limits.serverDebug));

  return (request) => {
    const socket = new TrialSocket(request.secure, server);
    const req = requestOf(request, socket as unknown as Socket);
    const res = new ServedResponse(req);
    const exchange = new Exchange(req, res, state);
    const trial = new Trial(request.unknown, request.version);
    exchange.trial = trial;
    const answer = (status: number | undefined, refusal?: Refusal): TriedAnswer => {
      const { route, apiVersion: version } = exchange;
      const failed = trial.fault !== undefined && trial.fault.status === status;
      return { trial, status, end: failed ? undefined : trial.end, route: route?.template, version, refusal };
    };
    const refusal = guard(exchange);
    if (refusal !== undefined) return Promise.resolve(answer(refusal.status, refusal));
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        longestMs = NEXT_LONGEST_MS;
        res.destroy();
      }, longestMs);
      // The connection closes with its only response.
      res.once('finish', () => socket.destroy());
      res.once('close', () => {
        clearTimeout(timer);
        resolve(answer(res.headersSent ? res.statusCode : undefined));
      });
      res.assignSocket(socket as unknown as Socket);
      void answered(req, res);
    });
  };
}

function requestOf({ method, url, headers, body }: TriedRequest, socket: Socket): ServedRequest {
  const sent = body === undefined ? headers : withLength(headers, body);
  const rawHeaders: string[] = [];
  const joined: Record<string, string> = {};
  for (const name of Object.keys(sent)) {
    const values = sent[name]!;
    joined[name] = values.join(name === 'cookie' ? '; ' : ', ');
    for (const value of values) rawHeaders.push(name, value);
  }
  const req = new ServedRequest(socket);
  Object.assign(req, { method, url, rawHeaders, httpVersion: '1.1', httpVersionMajor: 1, httpVersionMinor: 1 });
  req.headers = joined;
  req.complete = true;
  if (body !== undefined) req.push(body);
  req.push(null);
  return req;
}

function withLength(headers: TriedRequest['headers'], body: string): TriedRequest['headers'] {
  return { 'content-type': ['application/json'], ...headers, 'content-length': [String(Buffer.byteLength(body))] };
}

/** A connection from this machine, which takes everything and keeps nothing. */
class TrialSocket extends EventEmitter {
  readonly encrypted: boolean;
  readonly server: object;
  readonly remoteAddress = '127.0.0.1';
  readonly localAddress = '127.0.0.1';
  readonly writable = true;
  readonly writableLength = 0;
  /** Node writes it. */
  readonly _writableState = { corked: 0 };
  destroyed = false;

  constructor(encrypted: boolean, server: object) {
    super();
    this.encrypted = encrypted;
    this.server = server;
  }

  write(_data: unknown, encoding: unknown, done: unknown = encoding): boolean {
    if (typeof done === 'function') process.nextTick(done);
    return true;
  }

  destroy(): this {
    if (!this.destroyed) process.nextTick(() => this.emit('close'));
    this.destroyed = true;
    return this;
  }

  destroySoon(): void {
    this.destroy();
  }

  cork(): void {}
  uncork(): void {}
  pause(): void {}
  resume(): void {}

  setTimeout(): this {
    return this;
  }
}
