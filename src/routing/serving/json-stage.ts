/**
 * JSON in and JSON out: what nearly every request to an API is, and what needs nothing of Fastify. It reads and writes
 * as Fastify does under its settings here, byte for byte.
 */
import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { parse as parseQuery } from 'fast-querystring';
import type { App } from '../../app/index.js';
import { readJson } from '../actions/read-json.js';
import { answerRules, type RunRules, runAction, takeCourse } from '../actions/run-action.js';
import { discardAnswer } from '../actions/send-answer.js';
import { type Outcome, type Pending, pendingOf } from './pending.js';
import { sendJson } from './send-json.js';

/** The part of a router that runs actions by itself. */
export class JsonStage {
  readonly #rules: RunRules;
  readonly #bodyLimit: number;
  readonly #handOver: App;

  /** `handOver`: answers a request whose action gave something else, kept as its outcome. */
  constructor(rules: RunRules, bodyLimit: number, handOver: App) {
    this.#rules = rules;
    this.#bodyLimit = bodyLimit;
    this.#handOver = handOver;
  }

  /** A request without a body. */
  run(req: IncomingMessage, res: ServerResponse): void {
    this.#run(req, res, pendingOf(req), undefined);
  }

  /** A request whose body is to be read as JSON. */
  read(req: IncomingMessage, res: ServerResponse): void {
    const pending = pendingOf(req);
    // A body comes with the connection's events; what the action sets off belongs to the request.
    const scope = new AsyncResource('PorticoBody');
    readJson(req, pending.entry.bodyLimit ?? this.#bodyLimit, (error, body, size) =>
      scope.runInAsyncScope(() => {
        if (res.writableEnded) return;
        if (error === null) {
          pending.received = size;
          this.#run(req, res, pending, body);
          return;
        }
        // The client may go on sending.
        if (!res.headersSent) res.setHeader('connection', 'close');
        this.#rules.fail(req, res, error);
      }),
    );
  }

  #run(req: IncomingMessage, res: ServerResponse, pending: Pending, body: unknown): void {
    takeCourse({
      run: () => {
        const { url } = pending;
        const mark = url.indexOf('?');
        const query: unknown = parseQuery(mark < 0 ? '' : url.slice(mark + 1));
        return runAction(req, pending, { body, query }, this.#rules);
      },
      answer: (outcome) => this.#answer(req, res, pending, outcome),
      refuse: (error) => this.#rules.fail(req, res, error),
    });
  }

  #answer(req: IncomingMessage, res: ServerResponse, pending: Pending, outcome: Outcome): void {
    if (res.writableEnded) {
      discardAnswer(outcome.value);
      return;
    }
    if (sendJson(res, outcome.value, answerRules(pending, outcome, this.#rules))) return;
    pending.outcome = outcome;
    const handed = this.#handOver(req, res);
    if (handed !== undefined) handed.catch((error: unknown) => this.#rules.fail(req, res, error));
  }
}
