/**
 * JSON in and JSON out: what nearly every request to an API is, and what needs nothing of Fastify. It reads and writes
 * as Fastify does under its settings here, byte for byte.
 */
import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type FastQuerystring from 'fast-querystring';
import { type App, loadNegotiator } from '../../app/index.js';
import { loadable, loadSoon } from '../../process/index.js';
import { readJson } from '../actions/read-json.js';
import { answerRules, type Course, type RunRules, runAction, takeCourse } from '../actions/run-action.js';
import { discardAnswer } from '../actions/send-answer.js';
import { type Outcome, type Pending, pendingOf } from './pending.js';
import { NoQuery, parseQueryPlainly } from './plain-query.js';
import { sendJson } from './send-json.js';

/** One request at its action. */
interface Turn {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly pending: Pending;
  readonly body: unknown;
}

/** The part of a router that runs actions by itself. */
export class JsonStage {
  readonly #rules: RunRules;
  readonly #bodyLimit: number;
  readonly #handOver: App;
  /** Loaded behind the start, which takes 5 ms less without. */
  readonly #parser = loadable(
    () => (createRequire(import.meta.url)('fast-querystring') as typeof FastQuerystring).parse,
  );
  /** One for all requests: three closures for each cost more than their route. */
  readonly #course: Course<Turn> = {
    run: (turn) => this.#run(turn),
    answer: (turn, outcome) => this.#answer(turn, outcome),
    refuse: ({ req, res }, error) => this.#rules.fail(req, res, error),
  };

  /** `handOver`: answers a request whose action gave something else, kept as its outcome. */
  constructor(rules: RunRules, bodyLimit: number, handOver: App) {
    this.#rules = rules;
    this.#bodyLimit = bodyLimit;
    this.#handOver = handOver;
    loadSoon(this.#parser);
    loadSoon(loadNegotiator);
  }

  /** A request without a body. */
  run(req: IncomingMessage, res: ServerResponse): void {
    takeCourse(this.#course, { req, res, pending: pendingOf(req), body: undefined });
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
          takeCourse(this.#course, { req, res, pending, body });
          return;
        }
        // The client may go on sending.
        if (!res.headersSent) res.setHeader('connection', 'close');
        this.#rules.fail(req, res, error);
      }),
    );
  }

  #run({ req, pending, body }: Turn): Outcome {
    const { url } = pending;
    const mark = url.indexOf('?');
    const query: unknown = mark < 0 ? new NoQuery() : this.#parseQuery(url.slice(mark + 1));
    return runAction(req, pending, { body, query }, this.#rules);
  }

  #parseQuery(text: string): unknown {
    const parse = this.#parser() ?? parseQueryPlainly;
    return parse(text);
  }

  #answer({ req, res, pending }: Turn, outcome: Outcome): void {
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
