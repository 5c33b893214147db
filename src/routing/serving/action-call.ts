/**
 * A request to an action, after its match: selects the method, checks the input and calls the action.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Fault, type FaultIssue, type MatchedRoute, quoteClient } from '../../app/index.js';
import {
  appSettled,
  bodyParsed,
  type Exchange,
  faultFormOf,
  isThenable,
  keepHeaders,
  tooLarge,
} from '../../app/internal.js';
import { isObject } from '../../errors/index.js';
import { INPUT_PARTS, type InputPart } from '../actions/action.js';
import { ActionRequest, type Args, REPLY, type RequestRouter } from '../actions/action-request.js';
import { FileReply, replyFile, SENT } from '../actions/reply.js';
import { InputRefused } from '../actions/schema-compiler.js';
import type { TakenType } from '../actions/taken-types.js';
import type { ApiVersion } from '../api-version.js';
import { type AnswerType, type AnswerTypes, type Asked, discardAnswer, unsendable } from './answer.js';
import { otherType } from './request-body.js';
import {
  type ActionTarget,
  type CallRules,
  type Entry,
  methodFor,
  rulesFor,
  type ServedMethod,
} from './served-route.js';

/** Responds to a failure. */
export type Fail = (req: IncomingMessage, res: ServerResponse, error: unknown) => void;

/** Responds to the actions of one router: in Fastify with plugins, else by Node's response. */
export interface Answering {
  /** Null: all responses are JSON. */
  readonly types: AnswerTypes | null;
  /** Status of a request that a schema refuses. Default: the API's. */
  readonly invalidInputStatus: number | undefined;
  /** Sends the response to the result of an action, unless the action has responded by itself, or another response was sent. */
  answer(call: ActionCall, value: unknown): void;
  /** Responds to a failure of the action. */
  failed(call: ActionCall, error: unknown): void;
}

/** Values of the parts of a request; a check replaces the value of its part. */
type Input = Record<InputPart, unknown>;

const NO_BODY: readonly FaultIssue[] = Object.freeze([
  { where: 'body', path: [], message: 'is required', keyword: 'required', params: {}, schemaPath: '#' },
]);

/** Throws for a request without a value for the action: one without a body, or with one that no plugin has parsed. */
function refuseNoBody(req: IncomingMessage): never {
  throw otherType(req) ?? new InputRefused('The request needs a body.', NO_BODY);
}

/** One request to one action: what the action gets, and what its response depends on. */
export class ActionCall extends ActionRequest implements Asked {
  declare readonly target: ActionTarget;
  /** Entry of the action: its method, unless a key of the body selects. */
  declare readonly entry: Entry;
  /** Arguments of the action, without the body. */
  declare readonly args: Args;
  /** Format requested by the path. */
  declare readonly format: string | null;
  /** URL and method of the match; filters may change those of the request. */
  declare readonly sentUrl: string;
  declare readonly verb: string;
  /** The exchange with the slot that the action holds. */
  declare readonly slot: Exchange;
  /** Bytes of the body that were read. */
  declare received: number;
  /** The parsed body. */
  declare parsed: unknown;
  /** How it was read, by an action that takes other types than JSON. */
  declare taken: TakenType | undefined;
  /** Negotiated type; null: JSON. */
  declare type: AnswerType | null;
  /** The method that runs; undefined until it is selected. */
  declare served: ServedMethod | undefined;
  /** Status of the response, unless the action returns another one. */
  declare status: number | undefined;
  /** Reports whether a multipart body was read and lacks its end. */
  declare lacksEnd?: (() => boolean) | undefined;

  // Without an object of these results: each request would make one.
  constructor(
    req: IncomingMessage,
    res: ServerResponse,
    route: MatchedRoute,
    params: Args,
    version: ApiVersion | null,
    router: RequestRouter,
    target: ActionTarget,
    entry: Entry,
    args: Args,
    format: string | null,
    slot: Exchange,
  ) {
    super(req, res, route, params, version, router);
    this.target = target;
    this.entry = entry;
    this.args = args;
    this.format = format;
    this.slot = slot;
    this.sentUrl = req.url ?? '/';
    this.verb = req.method ?? '';
    this.received = 0;
    this.parsed = undefined;
    this.taken = undefined;
    this.type = null;
    this.served = undefined;
    this.status = undefined;
  }

  /** Runs the action with the parsed body. Responds at once if it returns a value, else when its promise settles. */
  run(body: unknown, answering: Answering): void {
    const { slot } = this;
    let value: unknown;
    try {
      this.parsed = body;
      if (body !== undefined && (this.taken === undefined || this.taken.read === 'json')) bodyParsed(this.req, body);
      const method = this.target.byKey === null ? (this.entry as ServedMethod) : this.selected(body);
      this.served = method;
      if (answering.types !== null) this.type = answering.types.choose(this.req, this.format);
      const rules = method.rules ?? rulesFor(method, this.version);
      this.status = rules.status;
      value =
        rules.isFree && body === undefined && !this.response.writableEnded
          ? method.handler.call(method.controller, this, this.args)
          : this.checked(method, rules, this.input(rules), 0);
    } catch (error) {
      this.failed(error, answering);
      appSettled(slot);
      return;
    }
    if (isThenable(value)) {
      slot.settledBy = 'report';
      value.then(
        (result) => {
          this.answer(result, answering);
          appSettled(slot);
        },
        (error: unknown) => {
          this.failed(error, answering);
          appSettled(slot);
        },
      );
    } else {
      this.answer(value, answering);
      // `withSlot` sees that it has ended, if it has not returned yet.
      const isSeen = slot.settledBy === 'return' && this.response.writableEnded;
      if (!isSeen) slot.serverState?.slots?.move(slot, 'settle');
    }
  }

  private input(rules: CallRules): Input {
    const query = rules.query === undefined ? undefined : this.query;
    const headers = rules.headers === undefined ? undefined : this.req.headers;
    return { params: this.params, headers, query, body: this.parsed };
  }

  /** Checks the parts from the one at `first`, then calls the action. Awaits a check that returns a promise. */
  private checked(method: ServedMethod, rules: CallRules, input: Input, first: number): unknown {
    for (let at = first; at < INPUT_PARTS.length; at++) {
      const part = INPUT_PARTS[at]!;
      const check = rules[part];
      if (check === undefined) continue;
      if (part === 'body' && input.body === undefined) refuseNoBody(this.req);
      const checked = check(input[part], this);
      if (isThenable(checked)) {
        return checked.then((value) => {
          input[part] = value;
          return this.checked(method, rules, input, at + 1);
        });
      }
      input[part] = checked;
    }
    if (rules.headers !== undefined) this.takeHeaders(input.headers);
    if (rules.query !== undefined) this.query = input.query;
    let { args } = this;
    if (rules.params !== undefined) {
      this.params = input.params as Args;
      args = { ...args, ...this.params };
    }
    if (
      input.body !== undefined &&
      (rules.body !== undefined || this.target.passesBody || method.takes?.isRequired === false)
    ) {
      this.body = input.body;
      args = { ...args, body: input.body };
    }
    // Meanwhile its deadline has passed, or an outer filter has responded.
    if (this.response.writableEnded) return undefined;
    return method.handler.call(method.controller, this, args);
  }

  private answer(result: unknown, answering: Answering): void {
    // `res.end()` returns the response.
    const value = result === this.response ? SENT : result;
    if (value instanceof FileReply) {
      // Those that plugins and the action have set on Fastify's reply, which sends nothing then.
      const { [REPLY]: reply } = this;
      if (reply !== undefined) keepHeaders(reply);
      if (this.status !== undefined && this.response.statusCode === 200) this.response.statusCode = this.status;
      void replyFile(this, value.path, value.options).then(
        () => this.answer(SENT, answering),
        (error: unknown) => this.failed(error, answering),
      );
      return;
    }
    try {
      // A status that was set on the response takes precedence over the declared one.
      const { statusCode } = this.response;
      if (statusCode !== 200) this.status = statusCode;
      answering.answer(this, value);
    } catch (error) {
      discardAnswer(value);
      this.failed(unsendable(error), answering);
    }
  }

  private failed(error: unknown, answering: Answering): void {
    if (!(error instanceof InputRefused)) answering.failed(this, error);
    else void this.refusal(error, answering).then((fault) => answering.failed(this, fault));
  }

  /** Returns the fault of a request that a check has refused, with the issues of the remaining checks. */
  private async refusal({ message, issues }: InputRefused, { invalidInputStatus }: Answering): Promise<Fault> {
    const { req, parsed: body } = this;
    const status = invalidInputStatus ?? faultFormOf(req).invalidInputStatus;
    const method = this.served!;
    const rules = method.rules ?? rulesFor(method, this.version);
    const input = this.input(rules);
    const all = [...issues];
    for (const part of INPUT_PARTS.slice(INPUT_PARTS.indexOf(issues[0]?.where ?? 'body') + 1)) {
      try {
        if (part === 'body' && rules.body !== undefined && body === undefined) refuseNoBody(req);
        await rules[part]?.(input[part], this);
      } catch (error) {
        // A failing check says nothing about the request.
        if (error instanceof InputRefused) all.push(...error.issues);
      }
    }
    return new Fault(status, { message, kind: 'input', issues: all });
  }

  /** The body was read under the largest limit of the selectable actions; now the selected action's limit applies. */
  private selected(body: unknown): ServedMethod {
    const method = this.methodByKey(body);
    if (method.bodyLimit !== undefined && this.received > method.bodyLimit) throw tooLarge(method.bodyLimit);
    return method;
  }

  /** Returns the method that the only key of the body selects. */
  private methodByKey(body: unknown): ServedMethod {
    const { target, version, req } = this;
    if (body === undefined) throw otherType(req) ?? new Fault(400, { message: 'The request needs a body.' });
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
    if (method === undefined) throw this.router.lacksVersion(version!);
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

/** Returns Fastify's reply of a call that it has entered. */
export function replyOf(call: ActionCall): FastifyReply {
  return call[REPLY]!;
}

/** Returns the call of a request that has entered the route of an action. */
export function enteredBy({ raw }: FastifyRequest): ActionCall {
  return callOf(raw)!;
}
