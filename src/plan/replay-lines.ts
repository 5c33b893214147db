/** Requests in lines of access logs: those of `request_log` as JSON or text, and the combined format of nginx and Apache. */

/** A request as a log has it: without its body and its credentials. */
export interface LoggedRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly target: string;
  readonly status: number | null;
  /** The API version that it names, or the one that applied. */
  readonly version: string | null;
  readonly userAgent: string | null;
  /** The API, if the line names one. */
  readonly api: string | null;
  /** The port that it was sent to, if the line has it. */
  readonly port: number | null;
  /** Template of its route; null: none; undefined: the line does not tell. */
  readonly route?: string | null;
}

/** Longer lines are none of an access log. */
const LONGEST = 65_536;

/** Returns the lines of a stream. Of a line that is too long, the beginning. */
export async function* linesOf(stream: AsyncIterable<Uint8Array | string>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + (typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true }))).split('\n');
    rest = lines.pop()!.slice(0, LONGEST);
    yield* lines;
  }
  if (rest !== '') yield rest;
}

/** Reads a line; undefined if it has no request. */
export function loggedRequest(line: string): LoggedRequest | undefined {
  return line.trimStart().startsWith('{') ? fromJson(line) : (fromRequestLine(line) ?? fromShortLine(line));
}

function fromJson(line: string): LoggedRequest | undefined {
  let fields: Readonly<Record<string, unknown>>;
  try {
    fields = JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
  const { method, target, status } = fields;
  // The format of `request_log` may be text within a log of JSON.
  if (typeof method !== 'string') return typeof fields.msg === 'string' ? loggedRequest(fields.msg) : undefined;
  if (typeof target !== 'string' || !isTarget(target)) return undefined;
  return {
    method,
    target,
    status: typeof status === 'number' ? status : null,
    version: textOf(fields.asked_version) ?? textOf(fields.api_version),
    userAgent: textOf(fields.user_agent),
    api: textOf(fields.service) ?? textOf(fields.name),
    port: null,
    ...('route' in fields ? { route: textOf(fields.route) } : {}),
  };
}

const REQUEST_LINE =
  /^(?:\S+?:(\d+) )?.*?"([A-Z][A-Z-]*) ((?:[^"\\ ]|\\.)+)(?: HTTP\/[\d.]+)?"(?: status:)? (\d{3}) (.*)$/;

/** Reads a line with the first line of a request in quotes. */
function fromRequestLine(line: string): LoggedRequest | undefined {
  const [, port, method, target, status, rest = ''] = REQUEST_LINE.exec(line) ?? [];
  if (method === undefined || target === undefined || !isTarget(target)) return undefined;
  const [, version, route] = / microversion: (\S+)(?: route: (\S+))?/.exec(rest) ?? [];
  // The combined format ends with the referer and the user agent.
  const [, agent] = /"(?:[^"\\]|\\.)*" "((?:[^"\\]|\\.)*)"/.exec(rest) ?? [];
  return {
    method,
    target: target.replace(/\\(["\\])/g, '$1'),
    status: Number(status),
    version: textOf(version),
    userAgent: textOf(agent),
    api: null,
    port: port === undefined ? null : Number(port),
    ...(route === undefined ? {} : { route: textOf(route) }),
  };
}

/** Reads the short line of a log on a terminal: `GET /books 200 84 B 1.2 ms`. */
function fromShortLine(line: string): LoggedRequest | undefined {
  const [, method, target, status] = /(?:^|\s)([A-Z][A-Z-]*) (\/\S*|\*) (\d{3}) (?:\d+|NaN) B \d/.exec(line) ?? [];
  if (method === undefined || target === undefined) return undefined;
  return { method, target, status: Number(status), version: null, userAgent: null, api: null, port: null };
}

function isTarget(text: string): boolean {
  return text.startsWith('/') || text === '*' || /^https?:\/\//i.test(text);
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' && value !== '-' ? value : null;
}
