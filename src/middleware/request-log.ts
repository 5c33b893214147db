/**
 * request_log: one line for each response, when it has ended.
 */
import type { IncomingMessage } from 'node:http';
import {
  afterResponse,
  type Description,
  environ,
  filterFactory,
  quoteClient,
  remoteOf,
  requestPath,
} from '../app/index.js';
import {
  answeredStatus,
  countAnswer,
  noteAddress,
  runOutsideRequests,
  sentBytes,
  targetMask,
  traceIds,
} from '../app/internal.js';
import { boolean, defineOptions, float, integer, list, type OptionsOf } from '../config/index.js';
import { printable } from '../text/index.js';
import { type AccessFacts, compileLogFormat, type LogFormat, lineFormat, localTime } from './log-format.js';
import { isBelow } from './path-prefix-match.js';

const requestLogOptions = defineOptions({
  enabled: boolean({ default: true, help: 'Writes the lines.' }),
  format: lineFormat({
    default: 'auto',
    help: 'auto: a short line in a log for people, such as GET /books 200 84 B 1.2 ms, else json. json: facts by name; text: one line in the style of access logs; or a template of such lines, as \'%(client_ip)s "%(request_line)s" status: %(status_code)s  len: %(body_length)s time: %(wall_seconds).7f\', with date_time, request_id, global_request_id, user_id, project_id, api_version and route too.',
    deprecated: ['DEFAULT.wsgi_log_format'],
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
    const maskTarget = targetMask(options.maskQuery);
    const { log } = ctx;
    const write = writerOf(options.format, log.format);
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
        if (write === undefined) log[slow ? 'warn' : 'info'](message, facts);
        else if (log.format !== 'text') log[slow ? 'warn' : 'info'](printable(write(facts)));
        // For people its ids are in the line: outside of the request the log adds them no second time.
        else runOutsideRequests(() => log[slow ? 'warn' : 'info'](printable(write(facts)), { section: '' }));
      });
      return app(req, res);
    };
  },
  { describe },
);

function describe(options: OptionsOf<typeof requestLogOptions>, req?: IncomingMessage): Description {
  if (!options.enabled) return { does: 'logs nothing, for enabled is false' };
  const path = req === undefined ? undefined : requestPath(req);
  if (path !== undefined && options.skipPaths.some((skipped) => isBelow(path, skipped))) {
    return { does: `logs a line only of an answer of 500 or above, for ${path} is in skip_paths` };
  }
  return { does: 'logs a line once the answer has ended' };
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

/** Undefined: facts by name. */
function writerOf(
  format: string,
  log: 'json' | 'text' = 'json',
): ((facts: Record<string, unknown>) => string) | undefined {
  if (format === 'json' || (format === 'auto' && log === 'json')) return undefined;
  if (format === 'auto') return shortLine;
  return format === 'text' ? textLine : lineOfTemplate(compileLogFormat(format));
}

/** For who reads along: `GET /books 200 84 B 1.2 ms req-5f4c…`. */
function shortLine({
  method,
  target,
  status,
  bytes,
  duration_ms: ms,
  request_id: id,
  aborted,
}: Record<string, unknown>): string {
  const ids = id === '-' ? '' : ` ${String(id)}`;
  return `${String(method)} ${String(target)} ${String(status)} ${String(bytes)} B ${Number(ms).toFixed(1)} ms${ids}${aborted === true ? ' aborted' : ''}`;
}

/** In the form of a template. */
function lineOfTemplate(format: LogFormat): (facts: Record<string, unknown>) => string {
  return (facts) =>
    format({
      ...(facts as Pick<
        AccessFacts,
        'request_id' | 'global_request_id' | 'user_id' | 'project_id' | 'api_version' | 'route'
      >),
      client_ip: String(facts.remote),
      date_time: localTime(new Date()),
      request_line: quoteClient(`${String(facts.method)} ${String(facts.target)} ${String(facts.protocol)}`),
      status_code: facts.status as number,
      body_length: facts.bytes as number,
      wall_seconds: (facts.duration_ms as number) / 1000,
    });
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
  return `${String(remote)} "${line}" status: ${String(status)} len: ${String(bytes)} time: ${seconds} ${where} [${ids}]${trace}${aborted}`;
}
