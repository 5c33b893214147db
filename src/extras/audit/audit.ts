/** audit: an event for each request, and one for its response, for those who must know who did what. */
import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { afterResponse, environ, type FactoryContext, filterFactory, RequestContext, requestPath } from 'portico/app';
import type { OptionsOf } from 'portico/config';
import {
  ConfigurationRefused,
  errorText,
  ignoreErrors,
  methodsOf,
  optionOrigin,
  Throttle,
  whenBodyParsed,
  whenRouted,
} from 'portico/extension';
import { type AuditMap, readMap } from './audit-map.js';
import { auditOptions, GROUP } from './audit-options.js';
import { actionInBody, actionOf, newEvent, outcomeOf } from './cadf-event.js';
import { SentEvents } from './sent-events.js';

type Options = OptionsOf<typeof auditOptions>;

/** Emits an event. */
type Emit = (eventType: 'audit.http.request' | 'audit.http.response', payload: object) => void;

/** Longer bodies of apps that are no Routers are not looked into for their action, which is unknown then. */
const LONGEST_BODY = 114_688;

/**
 * Emits the events `audit.http.request` and `audit.http.response` in the format of CADF, with the caller that an outer filter has found: as
 * notifications of priority info, or lines of the log. No request waits for them.
 */
export const audit = filterFactory(
  GROUP,
  auditOptions,
  async (options, ctx) => {
    const map = mapOf(options, ctx);
    const ignored = new Set(options.ignoreReqList.map((method) => method.toUpperCase()));
    const emit = await emitterOf(options, ctx);
    const failures = new Throttle(60_000);
    /** Returns what `make` returns; undefined if it throws: no request fails for its event. */
    const made = <T>(make: () => T): T | undefined => {
      try {
        return make();
      } catch (err) {
        failures.tell((requests) =>
          ctx.log.error({ err, requests }, 'requests have no events of audit: making one failed'),
        );
        return undefined;
      }
    };
    return (app) => (req, res) => {
      // A Router may find its route by another method, and says so.
      const methods = methodsOf(req);
      if (methods.every((method) => ignored.has(method))) return app(req, res);
      const { trial } = environ(req);
      trial?.would('emit an event of audit for the request, and one for the response');
      if (trial !== undefined) return app(req, res);
      const path = requestPath(req);
      const event = made(() => newEvent(req, path, map));
      if (event === undefined) return app(req, res);
      let method: string | undefined;
      let isRouted = false;
      let action: string | undefined;
      let ofBody = 'create';
      const tellRequest = (named: string): void => {
        if (ignored.has(method!) || action !== undefined) return;
        action = named;
        emit('audit.http.request', { ...event, action });
      };
      const servedBy = (by: string): void => {
        if (method !== undefined) return;
        method = by;
        const named = actionOf(by, path, map);
        if (named !== undefined) tellRequest(named);
      };
      if (methods.length === 1) servedBy(methods[0]!);
      whenRouted(req, (_route, by) => {
        isRouted = true;
        servedBy(by);
        return undefined;
      });
      whenBodyParsed(req, (body) => tellRequest(actionInBody(body)));
      if (action === undefined) {
        whenBodyRead(req, (body) => {
          if (isRouted) return;
          ofBody = body === undefined ? 'unknown' : actionInBody(parsed(body));
          if (method !== undefined) tellRequest(ofBody);
        });
      }
      afterResponse(res, () => {
        // No Router has found it.
        servedBy(methods[0]!);
        // It is not reported yet if nothing has read the body.
        tellRequest(ofBody);
        if (action === undefined) return;
        const outcome = outcomeOf(res.headersSent ? res.statusCode : undefined);
        emit('audit.http.response', { ...event, action, ...outcome });
      });
      return app(req, res);
    };
  },
  {
    trial: mapOf,
    order: () => ({
      behind: ['auth_token', 'basic_auth', 'jwt', 'noauth', 'session'],
      why: 'no caller is known there, and events are of an unknown one',
    }),
  },
);

function mapOf({ auditMapFile: file }: Options, ctx: FactoryContext): AuditMap {
  if (file === undefined) return readMap('', '');
  try {
    return readMap(ctx.config.readFile(file), file);
  } catch (cause) {
    if (cause instanceof ConfigurationRefused) throw cause;
    const origin = optionOrigin(ctx, GROUP, 'audit_map_file');
    const message = `the map cannot be read: ${errorText(cause)}`;
    throw new ConfigurationRefused('PORTICO_AUDIT_MAP', { message, origin, cause });
  }
}

async function emitterOf(
  { driver, useOsloMessaging, serviceName, topics }: Options,
  ctx: FactoryContext,
): Promise<Emit> {
  const { log, service = 'audit' } = ctx;
  // At every level of the log: no event is lost because an operator wants few lines.
  const toLog: Emit = (eventType, payload) => log.notice({ event_type: eventType, payload }, 'audit');
  if (driver === 'noop') return () => undefined;
  if (driver === 'log' || useOsloMessaging === false) return toLog;
  const rpc = await ctx.rpc();
  if (useOsloMessaging === undefined && rpc.isInProcess) return toLog;
  const notifier = rpc.notifier({
    publisherId: serviceName ?? service,
    onFailure: 'reject',
    ...(topics.length > 0 && { topics }),
  });
  const context = new RequestContext({ isAdmin: true });
  const events = new SentEvents(ctx);
  return (eventType, payload) => events.send(() => notifier.info(context, eventType, payload));
}

/**
 * Calls `done` with the body when an application that is no Router has read it; undefined if it is too long. What flows there is seen, and
 * nothing is taken.
 */
function whenBodyRead(req: IncomingMessage, done: (body: string | undefined) => void): void {
  let body = '';
  // The method of a stream would begin to read it.
  EventEmitter.prototype.on.call(req, 'data', (chunk: Buffer | string) => {
    // In one-byte characters, which cut no other one in two.
    if (body.length <= LONGEST_BODY) body += chunk.toString('latin1');
  });
  req.once('end', () =>
    done(body.length > LONGEST_BODY ? undefined : new TextDecoder().decode(Buffer.from(body, 'latin1'))),
  );
}

/** Returns the value of a body; undefined for none in JSON. */
const parsed = (body: string): unknown => ignoreErrors(() => JSON.parse(body) as unknown);
