/** Templates of access log lines, as in oslo.service: text with fields in Python notation, such as `%(status_code)s`. */
import { declareType, InvalidValue } from '../config/internal.js';
import { nearestNames } from '../errors/index.js';

/** The facts that a template can contain. */
export interface AccessFacts {
  /** The client address, as proxy_headers resolves it. */
  readonly client_ip: string;
  /** When the response ended, in local time: `17/Oct/2026 13:55:36`. */
  readonly date_time: string;
  /** The request line, such as `GET /servers HTTP/1.1`, with secrets in the query masked. */
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

/** Formats a line. */
export type LogFormat = (facts: AccessFacts) => string;

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
const NAMES = [...TEXTS, ...NUMBERS];

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
export const lineFormat = declareType<string, object>('auto, json, text or a template', undefined, () => ({
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
  const key = NAMES.find((known) => known === name);
  if (key === undefined) {
    const [near] = nearestNames(name, NAMES);
    const hint = near === undefined ? `fields: ${NAMES.join(', ')}` : `did you mean '${near}'?`;
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
export function localTime(date: Date): string {
  const two = (part: number): string => String(part).padStart(2, '0');
  const day = `${two(date.getDate())}/${MONTHS[date.getMonth()]}/${date.getFullYear()}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
