/**
 * One line for each request that reached the app, in the form an operator chose with `[wsgi] log_format`: a template as
 * oslo.service has them, text with fields in Python's notation, `%(status_code)s`.
 */
import { afterResponse, environ, quoteClient, remoteOf } from '../../app/index.js';
import { answeredStatus, noteAddress, sentBytes, targetMask } from '../../app/internal.js';
import { declareType, InvalidValue } from '../../config/internal.js';
import { nearestNames } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import { printable } from '../../text/index.js';
import type { Exchange } from '../connections/connections.js';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const maskTarget = targetMask([]);

/** Writes nothing while there is no template. */
export class AccessLog {
  readonly #log: Logger;
  #format: LogFormat | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Lines look like this from now on. Throws `InvalidValue` for a field that does not exist. */
  set template(template: string | undefined) {
    this.#format = template === undefined ? undefined : compileLogFormat(template);
  }

  /** The app is about to be called: the line is written when the response is complete, or its connection gone. */
  begin({ req, res }: Exchange): void {
    const format = this.#format;
    if (format === undefined) return;
    const begun = performance.now();
    noteAddress(req);
    afterResponse(res, (outcome) => {
      const line = format({
        client_ip: remoteOf(req).address,
        date_time: localTime(new Date()),
        request_line: quoteClient(`${req.method} ${maskTarget(environ(req).originalUrl)} HTTP/${req.httpVersion}`),
        status_code: answeredStatus(res, outcome),
        body_length: sentBytes(res),
        wall_seconds: (performance.now() - begun) / 1000,
      });
      this.#log.info(printable(line));
    });
  }
}

function localTime(date: Date): string {
  const two = (part: number): string => String(part).padStart(2, '0');
  const day = `${two(date.getDate())}/${MONTHS[date.getMonth()]}/${date.getFullYear()}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** What a template can name. */
interface AccessFacts {
  /** As the proxies have it that are trusted. */
  readonly client_ip: string;
  /** When the answer ended, in local time: `17/Oct/2026 13:55:36`. */
  readonly date_time: string;
  /** `GET /servers HTTP/1.1`, secrets in the query masked. */
  readonly request_line: string;
  readonly status_code: number;
  /** Bytes. */
  readonly body_length: number;
  /** Seconds from the moment the app was called. */
  readonly wall_seconds: number;
}

/** Writes one line. */
export type LogFormat = (facts: AccessFacts) => string;

const TEXTS = ['client_ip', 'date_time', 'request_line'] as const satisfies (keyof AccessFacts)[];
const NUMBERS = ['status_code', 'body_length', 'wall_seconds'] as const satisfies (keyof AccessFacts)[];
const NAMES: readonly string[] = [...TEXTS, ...NUMBERS];

/** `%%`, or a field: name, flag, width, precision, conversion. Else a percent sign that begins neither. */
const DIRECTIVE = /%(?:(%)|\((\w*)\)([-0]?)(\d*)(?:\.(\d+))?([sdif]))?/g;

/**
 * Makes the writer of a template. Throws {@link InvalidValue} for a field that does not exist, one of more than
 * 999 characters or 99 digits, and a lone `%`.
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

/** A template of access lines, as written. Refused when it names a field that does not exist. */
export const logTemplate = declareType<string, object>('template', undefined, () => ({
  parse: (text) => {
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
    throw new InvalidValue('has a % that begins no field', 'write %(status_code)s for a field, %% for a percent sign');
  }
  const key = NAMES.find((known) => known === name) as keyof AccessFacts | undefined;
  if (key === undefined) {
    const [near] = nearestNames(name, NAMES);
    const hint = near === undefined ? `fields: ${NAMES.join(', ')}` : `did you mean '${near}'?`;
    throw new InvalidValue(`has no field called ${name}`, hint);
  }
  // What pads beyond this is a slip, and would fail in each request where a string cannot be so long.
  if (how.width > 999 || Number(how.precision ?? 0) > 99) {
    throw new InvalidValue(`writes ${name} too wide`, 'a width has at most 3 digits, a precision at most 2');
  }
  if (how.conversion !== 's' && (TEXTS as readonly string[]).includes(key)) {
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
