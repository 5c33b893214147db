/**
 * A request to an action, after its match: selects the method, checks the input, calls the action, and sends the response.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { Fault, type FaultIssue, quoteClient } from '../../app/index.js';
import { faultFormOf, isThenable, tooLarge } from '../../app/internal.js';
import { isObject } from '../../errors/index.js';
import { INPUT_PARTS, type InputPart } from '../actions/action.js';
import { type ActionRequest, type Args, SENT } from '../actions/action-request.js';
import { InputRefused } from '../actions/input-refused.js';
import type { ApiVersion } from '../api-version.js';
import { type Answer, type Asked, answerOf, type Begun, discardAnswer, unsendable } from './answer.js';
import type { AnswerType, AnswerTypes } from './answer-types.js';
import { otherType } from './request-body.js';
import {
  type ActionTarget,
  type CallRules,
  type Entry,
  methodFor,
  rulesFor,
  type ServedMethod,
} from './served-route.js';

/** Answers a failure. */
export type Fail = (req: IncomingMessage, res: ServerResponse, error: unknown) => void;

/** Results of the match. */
interface Matched {
  readonly target: ActionTarget;
  /** Entry of the action. */
  readonly entry: Entry;
  /** Undefined: a key of the body selects the method. */
  readonly method: ServedMethod | undefined;
  readonly version: ApiVersion | null;
  /** Arguments of the action, without the body. */
  readonly args: Args;
  /** Format requested by the path. */
  readonly format: string | null;
}

/** Rules for the responses of one router, and how they are sent: in Fastify with plugins, else by Node's response. */
export interface Answering extends Begun<ActionCall> {
  /** Null: all responses are JSON. */
  readonly types: AnswerTypes | null;
  /** Status of a request that a schema refuses. Default: the API's. */
  readonly invalidInputStatus: number | undefined;
  /** Reports whether the action has answered by itself, or another response was sent. */
  isAnswered(call: ActionCall, value: unknown): boolean;
  send(call: ActionCall, answer: Answer): void;
  /** Answers a failure of the action. */
  failed(call: ActionCall, error: unknown): void;
}

/** Values of the parts of a request; a check replaces the value of its part. */
type Input = Record<InputPart, unknown>;

const NO_BODY: readonly FaultIssue[] = Object.freeze([
  { where: 'body', path: [], message: 'is required', keyword: 'required' },
]);

/** Throws for a request without a value for the action: one without a body, or with one that no plugin has parsed. */
function refuseNoBody(req: IncomingMessage): never {
  throw otherType(req) ?? new InputRefused('The request needs a body.', NO_BODY);
}

/** One request to one action. */
export class ActionCall implements Asked {
  declare readonly request: ActionRequest;
  declare readonly entry: Entry;
  /** URL and method for the action. */
  declare readonly url: string;
  declare readonly verb: string | undefined;
  /** Bytes of the body that were read. */
  declare received: number;
  /** The parsed body. */
  declare body: unknown;
  /** Negotiated type; null: JSON. */
  declare type: AnswerType | null;
  /** The method that runs; undefined until it is selected. */
  declare method: ServedMethod | undefined;
  /** Status of the response, unless the action returns another one. */
  declare status: number | undefined;
  /** Reports whether a multipart body was read and lacks its end. */
  declare lacksEnd?: (() => boolean) | undefined;
  declare private readonly matched: Matched;

  constructor(request: ActionRequest, matched: Matched) {
    this.request = request;
    this.entry = matched.entry;
    this.url = request.req.url ?? '/';
    this.verb = request.req.method;
    this.received = 0;
    this.body = undefined;
    this.type = null;
    this.method = undefined;
    this.status = undefined;
    this.matched = matched;
  }

  /** Runs the action with the parsed body. Responds at once if it returns a value, else when its promise settles. */
  run(body: unknown, answering: Answering): void {
    this.body = body;
    try {
      const { matched, request } = this;
      const method = matched.method ?? this.#selected(body);
      const rules = method.rules ?? rulesFor(method, matched.version);
      this.method = method;
      if (answering.types !== null) this.type = answering.types.choose(request.req, matched.format);
      const { params, req } = request;
      const query = rules.query === undefined ? undefined : request.query;
      const value = this.#checked(method, rules, { params, headers: req.headers, query, body }, 0);
      if (isThenable(value)) void this.#settle(rules, value, answering);
      else this.#answer(rules, value, answering);
    } catch (error) {
      this.#failed(error, answering);
    }
  }

  /** Checks the parts from the one at `first`, then calls the action. Awaits a check that returns a promise. */
  #checked(method: ServedMethod, rules: CallRules, input: Input, first: number): unknown {
    const { request, matched } = this;
    for (let at = first; at < INPUT_PARTS.length; at++) {
      const part = INPUT_PARTS[at]!;
      const check = rules[part];
      if (check === undefined) continue;
      if (part === 'body' && input.body === undefined) refuseNoBody(request.req);
      const checked = check(input[part]);
      if (isThenable(checked)) {
        return checked.then((value) => {
          input[part] = value;
          return this.#checked(method, rules, input, at + 1);
        });
      }
      input[part] = checked;
    }
    if (rules.headers !== undefined) request.takeHeaders(input.headers);
    if (rules.query !== undefined) request.query = input.query;
    let { args } = matched;
    if (rules.params !== undefined) {
      request.params = input.params as Args;
      args = { ...args, ...request.params };
    }
    if (input.body !== undefined && (rules.body !== undefined || matched.target.passesBody)) {
      request.body = input.body;
      args = { ...args, body: input.body };
    }
    // Meanwhile its deadline has passed, or an outer filter has answered.
    if (request.res.writableEnded) return undefined;
    return method.handler.call(method.controller, request, args);
  }

  async #settle(rules: CallRules, value: PromiseLike<unknown>, answering: Answering): Promise<void> {
    try {
      this.#answer(rules, await value, answering);
    } catch (error) {
      this.#failed(error, answering);
    }
  }

  #answer(rules: CallRules, result: unknown, answering: Answering): void {
    // `res.end()` returns the response.
    const value = result === this.request.res ? SENT : result;
    // The deadline has passed, or the action did it, perhaps with a stream whose client disconnected.
    if (answering.isAnswered(this, value)) {
      discardAnswer(value);
      return;
    }
    try {
      // A status that was set on the response takes precedence over the declared one.
      const { statusCode: said } = this.request.res;
      this.status = said === 200 ? rules.status : said;
      answering.send(this, answerOf(value, this, answering));
    } catch (error) {
      discardAnswer(value);
      throw unsendable(error);
    }
  }

  #failed(error: unknown, answering: Answering): void {
    if (!(error instanceof InputRefused)) answering.failed(this, error);
    else void this.#refusal(error, answering).then((fault) => answering.failed(this, fault));
  }

  /** Returns the fault of a request that a check has refused, with the issues of the remaining checks. */
  async #refusal({ message, issues }: InputRefused, { invalidInputStatus }: Answering): Promise<Fault> {
    const { matched, request, body } = this;
    const { req } = request;
    const status = invalidInputStatus ?? faultFormOf(req).invalidInputStatus;
    const method = this.method!;
    const rules = method.rules ?? rulesFor(method, matched.version);
    const query = rules.query === undefined ? undefined : request.query;
    const input: Input = { params: undefined, headers: req.headers, query, body };
    const all = [...issues];
    for (const part of INPUT_PARTS.slice(INPUT_PARTS.indexOf(issues[0]?.where ?? 'body') + 1)) {
      try {
        if (part === 'body' && rules.body !== undefined && body === undefined) refuseNoBody(req);
        await rules[part]?.(input[part]);
      } catch (error) {
        // A failing check says nothing about the request.
        if (error instanceof InputRefused) all.push(...error.issues);
      }
    }
    return new Fault(status, { message, issues: all });
  }

  /** The body was read under the largest limit of the selectable actions; now the selected action's limit applies. */
  #selected(body: unknown): ServedMethod {
    const method = this.#methodByKey(body);
    if (method.bodyLimit !== undefined && this.received > method.bodyLimit) throw tooLarge(method.bodyLimit);
    return method;
  }

  /** Returns the method that the only key of the body selects. */
  #methodByKey(body: unknown): ServedMethod {
    const { target, version } = this.matched;
    if (body === undefined)
      throw otherType(this.request.req) ?? new Fault(400, { message: 'The request needs a body.' });
    if (!isObject(body)) {
      throw new Fault(400, { message: 'The body must be an object with one key: the name of an action.' });
    }
    const keys = Object.keys(body);
    if (keys.length !== 1) {
      throw new Fault(400, {
        message: `The body must have exactly one key, the name of an action, not ${keys.length}.`,
      });
    }
    const key = keys[0]!;
    const methods = target.byKey!.actions.get(key);
    if (methods === undefined) throw new Fault(400, { message: `There is no such action: ${quoteClient(key)}.` });
    const method = methodFor(methods, version);
    if (method === undefined)
      throw new Fault(404, { message: 'The action does not exist in this version of the API.' });
    return method;
  }
}

/** Key of the call on a matched request. */
export const CALL: unique symbol = Symbol('portico.routing.call');

/** A request on its way to an action. */
export type Called = IncomingMessage & { [CALL]?: ActionCall | undefined };

/** Returns the call of a matched request; undefined for a request of a plugin's own route. */
export function callOf(req: IncomingMessage): ActionCall | undefined {
  return (req as Called)[CALL];
}
