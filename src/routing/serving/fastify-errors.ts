/**
 * Errors of Fastify in the router's terms, and their responses.
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyReply } from 'fastify';
import { Fault } from '../../app/index.js';
import { asFault, endUpgrade, isUpgraded, keepHeaders } from '../../app/internal.js';
import { RouteError } from '../route/route-error.js';
import { callOf, type Fail } from './action-call.js';
import { unsendable } from './answer.js';
import { type BodyTypes, incomplete } from './request-body.js';

/** Responds to a failure in Fastify, with the headers of its reply. */
export function refuse(reply: FastifyReply, error: unknown, fail: Fail): void {
  const { raw: res, request } = reply;
  const { raw: req } = request;
  keepHeaders(reply);
  if (!reply.sent) reply.hijack();
  // Only a plugin has made a response for the connection.
  if (isUpgraded(req) && callOf(req) === undefined) endUpgrade(req, res);
  fail(req, res, error);
}

/** Replaces some errors of Fastify by clearer ones; all others have their own status. */
export function asRouterError(error: unknown, req: IncomingMessage, types: BodyTypes): unknown {
  const { code, serialization, constructor: made } = Object(error) as Readonly<Record<string, unknown>>;
  const call = callOf(req);
  if (serialization !== undefined && call !== undefined) return unsendable(error);
  // Parsers of forms throw a plain error then.
  if (made === Error && asFault(error).status === 500 && call?.lacksEnd?.() === true) return incomplete(error);
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    const takes = call?.entry.takes;
    return types.refusal(req, takes?.isJson === false ? takes.names : undefined);
  }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new Fault(413, { message: 'The request body is too large.', cause: error });
  return error;
}

/** Fastify finds a response schema that does not compile when it is ready. */
export function asBuildError(error: unknown, compileAll: () => void): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code === 'FST_ERR_DUPLICATED_ROUTE') {
    return new RouteError('PORTICO_ROUTE_SHADOWED', {
      message: `a plugin and the table have the same route: ${String(message).replace(/\s+/g, ' ')}`,
      hint: 'Remove the route from the table, or move the plugin to another path.',
      cause: error,
    });
  }
  if (code !== 'FST_ERR_SCH_SERIALIZATION_BUILD' && code !== 'FST_ERR_SCH_RESPONSE_SCHEMA_NOT_NESTED_2XX') return error;
  try {
    compileAll();
  } catch (issues) {
    return issues;
  }
  return new RouteError('PORTICO_ROUTE_SCHEMA', {
    message: `a response schema does not compile: ${String(message)}`,
    hint: "The message names the route's template after the method.",
    cause: error,
  });
}
