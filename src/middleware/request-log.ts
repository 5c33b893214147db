/** request_log: the access log, a line for each response with its fields, after its end. */
import type { IncomingMessage } from 'node:http';
import {
  afterResponse,
  type FactoryContext,
  type Filter,
  filterFactory,
  quoteClient,
  requestPath,
  targetMask,
} from '../app/index.js';
import {
  answeredStatus,
  connectionAddress,
  countAnswer,
  exchangeOf,
  runOutsideRequests,
  sentBytes,
  type TraceIds,
  writtenPath,
} from '../app/internal.js';
import { defineOptions, float, integer, list, type OptionsOf } from '../config/index.js';
import { declareType, InvalidValue, writtenElsewhere } from '../config/internal.js';
import { nearestNames } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { jsonString, recordWriter, type WriteRecord } from '../log/internal.js';
import { printable } from '../text/index.js';
import { isBelowRead } from './path-prefix-match.js';

/** The facts that a template can contain. */
interface AccessFacts {
  /** The client address, as proxy_headers resolves it. */
  readonly client_ip: string;
  /** When the response ended, in local time: `17/Oct/2026 13:55:36`. */
  readonly date_time: string;
  /** The request line, such as `GET /servers HTTP/1.1`, with secrets masked, and a backslash before `"` and `\`. */
  readonly request_line: string;
  readonly status_code: number;
  /** The size of the response body, in bytes. */
  readonly body_length: number;
  /** The duration, in seconds from the call of the filter. */
  readonly wall_seconds: number;
  readonly request_id: string;
  readonly global_request_id: string;
  readonly user_id: string;
  readonly project_id: string;
  readonly api_version: string;
  /** The template of the route, such as `/servers/{id}`. */
  readonly route: string;
}

/** Templates of access log lines, as in oslo.service: text with fields in Python notation, such as `%(status_code)s`. */
type LogFormat = (facts: AccessFacts) => string;

const TEXTS = [
  'client_ip',
  'date_time',
  'request_line',
  'request_id',
  'global_request_id',
  'user_id',
  'project_id',
  'api_version',
  'route',
] as const satisfies (keyof AccessFacts)[];
const NUMBERS = ['status_code', 'body_length', 'wall_seconds'] as const satisfies (keyof AccessFacts)[];
const FIELD_NAMES = [...TEXTS, ...NUMBERS];

/** Matches `%%`, or a field with flag, width, precision and conversion, or any other percent sign. */
const DIRECTIVE = /%(?:(%)|\((\w*)\)([-0]?)(\d*)(?:\.(\d+))?([sdif]))?/g;

/**
 * Compiles a template. Throws {@link InvalidValue} for an unknown field, a width above 999, a precision above 99, a text field with a
 * numeric conversion, and a `%` that does not start a field.
 */
export function compileLogFormat(template: string): LogFormat {
  const parts: (string | ((facts: AccessFacts) => string))[] = [];
  let end = 0;
  for (const match of template.matchAll(DIRECTIVE)) {
    parts.push(template.slice(end, match.index));
    end = match.index + match[0].length;
    const [, percent, name, flag = '', width = '', precision, conversion = 's'] = match;
    parts.push(percent ?? field(name, { flag, width: Number(width), precision, conversion }));
  }
  parts.push(template.slice(end));
  return (facts) => parts.map((part) => (typeof part === 'string' ? part : part(facts))).join('');
}

/**
 * The type of the option: `auto`, `json`, `text` or a template. Refuses text without `%`, and templates that {@link compileLogFormat}
 * refuses.
 */
const lineFormat = declareType<string, object>('auto, json, text or a template', undefined, () => ({
  parse: (text) => {
    if (text === 'auto' || text === 'json' || text === 'text') return text;
    if (!text.includes('%'))
      throw new InvalidValue(
        'is neither auto nor json nor text, and has no field',
        'write auto, json, text or a template with %(status_code)s',
      );
    compileLogFormat(text);
    return text;
  },
}));

interface Conversion {
  readonly flag: string;
  readonly width: number;
  readonly precision: string | undefined;
  readonly conversion: string;
}

function field(name: string | undefined, how: Conversion): (facts: AccessFacts) => string {
  if (name === undefined) {
    throw new InvalidValue(
      'has a % that does not start a field',
      'write %(status_code)s for a field, %% for a percent sign',
    );
  }
  const key = FIELD_NAMES.find((known) => known === name);
  if (key === undefined) {
    const [near] = nearestNames(name, FIELD_NAMES);
    const hint = near === undefined ? `fields: ${FIELD_NAMES.join(', ')}` : `did you mean '${near}'?`;
    throw new InvalidValue(`has no field called ${name}`, hint);
  }
  // A larger width is an error, and could fail at every request because the string would be too long.
  if (how.width > 999 || Number(how.precision ?? 0) > 99) {
    throw new InvalidValue(
      `has a width that is too large for ${name}`,
      'a width can have at most 3 digits, a precision at most 2',
    );
  }
  if (how.conversion !== 's' && TEXTS.some((text) => text === key)) {
    throw new InvalidValue(`cannot write ${name} as a number`, `write %(${name})s`);
  }
  return (facts) => padded(converted(facts[key], how), how);
}

function converted(value: string | number, { precision, conversion }: Conversion): string {
  if (conversion === 'f') return Number(value).toFixed(precision === undefined ? 6 : Number(precision));
  if (conversion !== 's') return String(Math.trunc(Number(value)));
  return precision === undefined ? String(value) : String(value).slice(0, Number(precision));
}

function padded(text: string, { flag, width, conversion }: Conversion): string {
  if (flag === '-') return text.padEnd(width);
  return text.padStart(width, flag === '0' && conversion !== 's' ? '0' : ' ');
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Formats a date for the field `date_time`. */
function localTime(date: Date): string {
  const two = (part: number): string => String(part).padStart(2, '0');
  const day = `${two(date.getDate())}/${MONTHS[date.getMonth()]}/${date.getFullYear()}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

const requestLogOptions = defineOptions({
  format: lineFormat({
    default: 'auto',
    help: 'Format of a line. json: named fields. text: the style of access logs. auto: a short line, such as GET /books 200 84 B 1.2 ms, if the log is text, otherwise json. Or a template of %(name)s, such as %(wall_seconds).7f: client_ip, request_line, status_code, body_length, wall_seconds, date_time, request_id, global_request_id, user_id, project_id, api_version, route.',
    deprecated: ['DEFAULT.wsgi_log_format'],
  }),
  skip_paths: list({
    default: ['/healthcheck'],
    help: 'Paths, with all below, that are logged only for a 5xx.',
  }),
  slow_ms: integer({
    default: 0,
    min: 0,
    help: 'Milliseconds from which a response is logged as a warning. 0 disables this.',
  }),
  sample: float({
    default: 1,
    min: 0,
    max: 1,
    help: 'Fraction of the responses to log. Slow ones and 5xx always are.',
  }),
  mask_query: list({ default: [], help: 'Additional query parameters to mask in the log.' }),
});

const OWN_LOG = 'Lines are in the log of the service.';

writtenElsewhere(requestLogOptions, {
  meant: { log_msg_template: "did you mean 'format'?" },
  unused: {
    access_log_name: OWN_LOG,
    logger_name: OWN_LOG,
    logging_level: OWN_LOG,
    set_logger_level: OWN_LOG,
    setup_console_handler: OWN_LOG,
    access_log_facility: OWN_LOG,
    access_log_level: OWN_LOG,
    access_log_address: OWN_LOG,
    access_log_headers: 'Lines have no headers.',
    reveal_sensitive_prefix: 'Secrets in queries are masked, and headers are not logged.',
  },
});

/**
 * Logs the address, method, masked target, status, bytes, duration, ids, version, route, user and project of each request. Logs 499 if
 * the client disconnected before the headers were sent. Logs 500, or the status of a fault, if the server broke off the response: 503 at the deadline of
 * a stop. `aborted` says who ended a response that was not sent whole.
 */
export const requestLog = filterFactory('request_log', requestLogOptions, requestLogOf, { aroundRefusals: true });

function requestLogOf(options: OptionsOf<typeof requestLogOptions>, ctx: FactoryContext): Filter {
  const { skipPaths, slowMs, sample } = options;
  const maskTarget = targetMask(options.maskQuery);
  const { log } = ctx;
  const write = writerOf(options.format, log);
  const isSkipped = skipping(skipPaths);
  let share = 0;

  /** Selects requests at regular intervals, not at random: with 0.25, every fourth. */
  const isSampled = (part: number): boolean => {
    share += part;
    if (share < 1) return false;
    share -= 1;
    return true;
  };

  return (app) => (req, res) => {
    // At level warn without slow_ms nothing is logged. This takes 0.1 µs instead of 2.
    if (slowMs === 0 && !log.enabled('info')) return app(req, res);
    const exchange = exchangeOf(req);
    if (exchange.refusalLine !== undefined) {
      // The request logs of all pipelines apply to a refusal: the first one writes its line.
      if (exchange.refusalLine !== 'due') return app(req, res);
      exchange.refusalLine = 'written';
    }
    const path = skipPaths.length === 0 ? '' : requestPath(req);
    const begun = performance.now();
    countAnswer(res);
    // Node does not return the address after the connection is closed.
    const peer = connectionAddress(req);
    afterResponse(res, (outcome) => {
      const micros = Math.round((performance.now() - begun) * 1000);
      const status = answeredStatus(res, outcome);
      const slow = slowMs > 0 && micros >= slowMs * 1000;
      if (status < 500 && isSkipped(path)) return;
      if (status < 500 && !slow && !isSampled(sample)) return;
      const facts = requestFacts(req, peer, maskTarget);
      facts.status = status;
      facts.bytes = sentBytes(res);
      facts.duration_ms = micros / 1000;
      if (!outcome.completed) facts.aborted = outcome.error === undefined ? 'client' : 'server';
      write(slow, facts);
    });
    return app(req, res);
  };
}

/** Returns a function that reports whether a path is below one of these. */
function skipping(skipPaths: readonly string[]): (path: string) => boolean {
  const read = skipPaths.map(writtenPath);
  return (path) => {
    for (const prefix of read) if (isBelowRead(path, prefix)) return true;
    return false;
  };
}

/** The facts of a line. */
type RequestFacts = ReturnType<typeof requestFacts>;

const NAMES: ReadonlySet<string> = new Set(
  'remote method target protocol request_id global_request_id asked_version api_version route user_agent user_id project_id trace_id span_id trace_flags status bytes duration_ms aborted'.split(
    ' ',
  ),
);

/** Facts of callers and versions, which JSON has only where the request has them. */
const RARE: ReadonlySet<string> = new Set([
  'global_request_id',
  'asked_version',
  'api_version',
  'user_agent',
  'user_id',
  'project_id',
]);

/** Returns the facts of a line, in order; the response adds the last four. */
function requestFacts(req: IncomingMessage, peer: string, maskTarget: (target: string) => string) {
  const env = exchangeOf(req);
  // Without the filter `context`, only the identity is set.
  const caller = env.context ?? env.identity;
  return {
    remote: env.remote?.address ?? peer,
    method: req.method ?? '',
    target: maskTarget(env.originalUrl),
    protocol: `HTTP/${req.httpVersion}`,
    request_id: env.requestId ?? '-',
    global_request_id: env.globalRequestId ?? '-',
    asked_version: shortened(env.askedVersion),
    api_version: env.apiVersion ?? '-',
    route: env.route?.template ?? '-',
    user_agent: shortened(userAgentOf(req)),
    user_id: caller?.userId ?? '-',
    project_id: caller?.projectId ?? '-',
    trace: env.traceIds,
    status: 0,
    bytes: 0,
    duration_ms: 0,
    /** The side that ended a response which was not sent whole. */
    aborted: undefined as 'client' | 'server' | undefined,
  };
}

/** Longest text of a client in a line, beside its target. */
const LONGEST_TEXT = 100;

function shortened(text: string | undefined): string {
  return text === undefined || text === '' ? '-' : text.slice(0, LONGEST_TEXT);
}

/** Reads the raw fields: the headers that Node makes of them cost more than the line. */
function userAgentOf({ rawHeaders }: IncomingMessage): string | undefined {
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (name.length === USER_AGENT.length && name.toLowerCase() === USER_AGENT) return rawHeaders[at + 1];
  }
  return undefined;
}

const USER_AGENT = 'user-agent';

/** Writes a line, at level warn for a slow request. */
type Write = (slow: boolean, facts: RequestFacts) => void;

/** Returns the writer of named fields. */
function jsonWriter(log: Logger): Write {
  const record = recordWriter(log, NAMES);
  return (slow, facts) => {
    const level = slow ? 'warn' : 'info';
    const message = slow ? 'slow request' : 'request';
    if (record !== undefined) record(level, message, members(facts));
    else {
      const { trace, aborted, ...all } = facts;
      const present = Object.entries(all).filter(([name, value]) => value !== '-' || !RARE.has(name));
      log[level]({ ...Object.fromEntries(present), ...trace, ...(aborted !== undefined && { aborted }) }, message);
    }
  };
}

/** Writes the facts as JSON in one expression, because a generic serializer takes three times as long. */
function members(facts: RequestFacts): string {
  const { trace, bytes } = facts;
  let ids = '';
  for (const name in trace) ids += `,"${name}":"${trace[name as keyof TraceIds]}"`;
  return `,"remote":${jsonString(facts.remote)},"method":${jsonString(facts.method)},"target":${jsonString(facts.target)},"protocol":${jsonString(facts.protocol)},"request_id":${jsonString(facts.request_id)}${rare('global_request_id', facts.global_request_id)}${rare('asked_version', facts.asked_version)}${rare('api_version', facts.api_version)},"route":${jsonString(facts.route)}${rare('user_agent', facts.user_agent)}${rare('user_id', facts.user_id)}${rare('project_id', facts.project_id)}${ids},"status":${facts.status},"bytes":${Number.isNaN(bytes) ? null : bytes},"duration_ms":${facts.duration_ms}${facts.aborted === undefined ? '' : `,"aborted":"${facts.aborted}"`}`;
}

function rare(name: string, value: string): string {
  return value === '-' ? '' : `,"${name}":${jsonString(value)}`;
}

/** Returns the writer of a format. `auto` depends on the format of the log. */
function writerOf(format: string, log: Logger): Write {
  if (format === 'json' || (format === 'auto' && log.format !== 'text')) return jsonWriter(log);
  const lineOf =
    format === 'auto' ? shortLine : format === 'text' ? textLine : lineOfTemplate(compileLogFormat(format));
  if (log.format === 'text') {
    // A text line contains the ids already, so it is logged outside the request, where the log does not add them.
    return (slow, facts) =>
      runOutsideRequests(() => log[slow ? 'warn' : 'info']({ section: '' }, printable(lineOf(facts))));
  }
  const record: WriteRecord =
    recordWriter(log, new Set()) ?? ((level, message) => (level === 'warn' ? log.warn(message) : log.info(message)));
  return (slow, facts) => record(slow ? 'warn' : 'info', printable(lineOf(facts)), '');
}

/** Formats a short line: `GET /books 200 84 B 1.2 ms req-5f4c…`. */
function shortLine(facts: RequestFacts): string {
  const { method, target, status, bytes, duration_ms: ms, request_id: id } = facts;
  const ids = id === '-' ? '' : ` ${id}`;
  return `${method} ${target} ${status} ${bytes} B ${ms.toFixed(1)} ms${ids}${abortedBy(facts)}`;
}

/** Returns the formatter of a template. */
function lineOfTemplate(format: LogFormat): (facts: RequestFacts) => string {
  return (facts) =>
    format({
      ...facts,
      client_ip: facts.remote,
      date_time: localTime(new Date()),
      request_line: quotable(quoteClient(`${facts.method} ${facts.target} ${facts.protocol}`)),
      status_code: facts.status,
      body_length: facts.bytes,
      wall_seconds: facts.duration_ms / 1000,
    } satisfies AccessFacts & RequestFacts);
}

/** Formats a line in the order of nova's access log. */
function textLine(facts: RequestFacts): string {
  const { remote, method, target, protocol, status, bytes, duration_ms: ms, request_id: id } = facts;
  const seconds = (ms / 1000).toFixed(6);
  const ids = `${id} ${facts.global_request_id} ${facts.user_id} ${facts.project_id}`;
  const trace = facts.trace === undefined ? '' : ` trace: ${facts.trace.trace_id}`;
  const where = `microversion: ${facts.api_version} route: ${facts.route}`;
  return `${remote} "${method} ${quotable(target)} ${protocol}" status: ${status} len: ${bytes} time: ${seconds} ${where} [${ids}]${trace}${abortedBy(facts)}`;
}

/** Escapes what would end a text in quotes too early, as Apache does in its access log. */
function quotable(text: string): string {
  return text.replace(/["\\]/g, String.raw`\$&`);
}

function abortedBy({ aborted }: RequestFacts): string {
  return aborted === undefined ? '' : ` aborted by ${aborted}`;
}
