/**
 * request_log: one line for each response, when it has ended.
 */
import type { IncomingMessage } from 'node:http';
import {
  afterResponse,
  type DescribeContext,
  type Description,
  environ,
  filterFactory,
  remoteOf,
  requestPath,
} from '../app/index.js';
import { answeredStatus, countAnswer, noteAddress, sentBytes, targetMask, traceIds } from '../app/internal.js';
import { boolean, type Config, defineOptions, float, integer, list, type OptionsOf, oneOf } from '../config/index.js';
import { printable } from '../text/index.js';
import { isBelow } from './path-prefix-match.js';

const requestLogOptions = defineOptions({
  enabled: boolean({ default: true, help: 'Writes the lines.' }),
  format: oneOf(['json', 'text'], {
    default: 'json',
    help: 'Facts by name, or one line of text in the style of access logs.',
  }),
  skip_paths: list({
    default: ['/healthcheck'],
    mutable: true,
    help: 'Paths, and everything below them, that are not logged unless they answer 5xx.',
  }),
  slow_ms: integer({
    default: 0,
    min: 0,
    mutable: true,
    help: 'Responses that took as many milliseconds or more are logged as warnings; 0: none are.',
  }),
  sample: float({
    default: 1,
    min: 0,
    max: 1,
    mutable: true,
    help: 'The part of the responses that is logged; slow ones and 5xx always are.',
  }),
  mask_query: list({ default: [], help: 'Further query parameters whose values the log does not show.' }),
});

/**
 * Logs address, method, masked target, status, bytes, duration, ids, version, route, user and project of each request.
 * A client that left before the head is logged as 499, a response that was broken off by an error as 500.
 */
export const requestLog = filterFactory(
  'request_log',
  requestLogOptions,
  (options, ctx, live) => {
    if (!options.enabled) return (app) => app;
    if (serverLogs(ctx.config)) {
      ctx.log.warn('request_log is off: with [wsgi] log_format the server writes the access lines');
      return (app) => app;
    }
    const maskTarget = targetMask(options.maskQuery);
    const { log } = ctx;
    const asText = options.format === 'text';
    let share = 0;

    /** Every so many-th request, without chance: a part of 0.25 is each fourth. */
    const isSampled = (part: number): boolean => {
      share += part;
      if (share < 1) return false;
      share -= 1;
      return true;
    };

    return (app) => (req, res) => {
      const { skipPaths, slowMs, sample } = live();
      // With warnings alone and no slow ones there is nothing to say: 0.1 µs instead of 2.
      if (slowMs === 0 && !log.enabled('info')) return app(req, res);
      const path = requestPath(req);
      const begun = performance.now();
      countAnswer(res);
      noteAddress(req);
      afterResponse(res, (outcome) => {
        const micros = Math.round((performance.now() - begun) * 1000);
        const status = answeredStatus(res, outcome);
        const slow = slowMs > 0 && micros >= slowMs * 1000;
        if (status < 500 && skipPaths.some((skipped) => isBelow(path, skipped))) return;
        if (status < 500 && !slow && !isSampled(sample)) return;
        // Added one by one: spreading the object into a larger one costs 6 µs a line.
        const facts = requestFacts(req, maskTarget);
        facts.status = status;
        facts.bytes = sentBytes(res);
        facts.duration_ms = micros / 1000;
        if (!outcome.completed) facts.aborted = true;
        const message = slow ? 'slow request' : 'request';
        log[slow ? 'warn' : 'info'](asText ? textLine(facts) : message, asText ? undefined : facts);
      });
      return app(req, res);
    };
  },
  { describe },
);

function describe(
  options: OptionsOf<typeof requestLogOptions>,
  req: IncomingMessage | undefined,
  { config }: DescribeContext,
): Description {
  if (!options.enabled) return { does: 'logs nothing, for enabled is false' };
  if (serverLogs(config)) {
    return { does: 'logs nothing, for with [wsgi] log_format the server writes the access lines' };
  }
  const path = req === undefined ? undefined : requestPath(req);
  if (path !== undefined && options.skipPaths.some((skipped) => isBelow(path, skipped))) {
    return { does: `logs a line only of an answer of 500 or above, for ${path} is in skip_paths` };
  }
  return { does: 'logs a line once the answer has ended' };
}

/** One request has one line: where the server writes access lines, the filter does not. */
function serverLogs(config: Config): boolean {
  return config.has('wsgi', 'log_format') && config.resolve('wsgi', 'log_format').value !== undefined;
}

function requestFacts(req: IncomingMessage, maskTarget: (target: string) => string): Record<string, unknown> {
  const env = environ(req);
  const facts: Record<string, unknown> = {
    remote: remoteOf(req).address,
    method: req.method,
    target: maskTarget(env.originalUrl),
    protocol: `HTTP/${req.httpVersion}`,
    request_id: env.requestId ?? '-',
    global_request_id: env.globalRequestId ?? '-',
    api_version: env.apiVersion ?? '-',
    route: env.route?.template ?? '-',
    user_id: env.context?.userId ?? '-',
    project_id: env.context?.projectId ?? '-',
  };
  const ids = traceIds(env);
  return ids === undefined ? facts : Object.assign(facts, ids);
}

/** In the order of nova's access lines. */
function textLine(facts: Record<string, unknown>): string {
  const { remote, method, target, protocol, status, bytes, duration_ms: ms, request_id: id } = facts;
  const seconds = (Number(ms) / 1000).toFixed(6);
  const aborted = facts.aborted === true ? ' aborted' : '';
  const ids = `${String(id)} ${String(facts.global_request_id)} ${String(facts.user_id)} ${String(facts.project_id)}`;
  const trace = typeof facts.trace_id === 'string' ? ` trace: ${facts.trace_id}` : '';
  const where = `microversion: ${String(facts.api_version)} route: ${String(facts.route)}`;
  const line = `${String(method)} ${String(target)} ${String(protocol)}`;
  return printable(
    `${String(remote)} "${line}" status: ${String(status)} len: ${String(bytes)} time: ${seconds} ${where} [${ids}]${trace}${aborted}`,
  );
}
