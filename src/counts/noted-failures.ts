/** Notes of failed requests or calls, with their errors described, a limited number a second. */
import { fileURLToPath } from 'node:url';
import { ignoreErrors, shownPath } from '../errors/index.js';
import { isOwnFile } from '../process/index.js';
import { printable } from '../text/index.js';
import { LABEL_CHARACTERS } from './metric-table.js';
import { Noted } from './noted.js';
import { type FailedRequests, RecentFailures } from './recent-failures.js';

/** Of one route, class and code: reading a stack takes 0.1 ms, and an overload must not cost that for each request. */
const DESCRIBED_A_SECOND = 10;

/** A thrown value may be anything, such as an object whose properties throw. */
const UNREADABLE: DescribedFailure = { error: 'a thrown value that cannot be read', place: undefined };

/** The failures of an API or a service. */
export class NotedFailures extends Noted<FailedRequests, FailedRequests> {
  /** Last descriptions of this second, by route, class and code. */
  readonly #described = new Map<string, { readonly last: DescribedFailure; readonly times: number }>();
  #second = 0;

  constructor() {
    super(RecentFailures);
  }

  /**
   * Notes a failure of a route: an error, or a fixed text in place of one. An error too many in this second gets the last description of its
   * class and code on the route. The id may be text of a client.
   */
  noteFailure(
    name: string,
    failure: { readonly error: unknown } | { readonly text: string },
    requestId: string | undefined,
  ): void {
    const route = name.slice(0, LABEL_CHARACTERS);
    const described =
      'text' in failure
        ? { error: failure.text, place: undefined }
        : (ignoreErrors(() => this.#describe(route, failure.error)) ?? UNREADABLE);
    this.add({
      route,
      ...described,
      count: 1,
      at: new Date().toISOString(),
      requestId: requestId === undefined ? undefined : printable(requestId).slice(0, LABEL_CHARACTERS),
    });
  }

  #describe(route: string, error: unknown): DescribedFailure {
    const second = Math.floor(Date.now() / 1000);
    if (second !== this.#second) this.#described.clear();
    this.#second = second;
    const key = `${route}\n${classAndCode(error)}`;
    const { last, times = 0 } = this.#described.get(key) ?? {};
    if (last !== undefined && times >= DESCRIBED_A_SECOND) return last;
    const described = describeFailure(error);
    this.#described.set(key, { last: described, times: times + 1 });
    return described;
  }
}

/** Longest text, as of a label of metrics. */
const LONGEST = 200;

/** Most errors of a chain of causes. */
const CAUSES = 3;

/** An error, and its causes, in words. */
export interface DescribedFailure {
  readonly error: string;
  readonly place: string | undefined;
}

/**
 * Describes an error for operators: class, code, location, and fixed text, without any text of a client. Returns it with its causes, outermost
 * first, and the innermost location in the application.
 *
 * A message may contain values of a client, also such that look like frames of a stack. So a part of a message is shown only if it is a
 * text of {@link FIXED}, or if Portico wrote it; and frames are read only behind the message.
 */
export function describeFailure(error: unknown): DescribedFailure {
  const chain: unknown[] = [];
  for (let each = error; each !== undefined && chain.length < CAUSES && !chain.includes(each); each = causeOf(each)) {
    chain.push(each);
  }
  const stacks = chain.map(framesOf);
  const messages = chain.map((each, at) => ownMessage(each, stacks[at]!) ?? callText(each) ?? fixedText(each));
  const frames = ownMessage(error, stacks[0]!) === undefined ? stacks.flat() : [];
  const foreign = frames.filter((frame) => !isOwnFile(frame.file));
  const { file, line } = foreign.find((frame) => !frame.file.includes('/node_modules/')) ?? foreign[0] ?? {};
  const named = chain.map((each, at) => [classAndCode(each), messages[at]].filter(Boolean).join(': '));
  return {
    error: printable(named.join(', caused by ')).slice(0, LONGEST),
    place: file === undefined ? undefined : printable(`${shownPath(file)}:${line}`).slice(0, LONGEST),
  };
}

/** Returns the class of an error with its code or status. */
export function classAndCode(error: unknown): string {
  if (!(error instanceof Error)) return `a thrown ${error === null ? 'null' : typeof error}`;
  const { code, status } = error as { readonly code?: unknown; readonly status?: unknown };
  // A class that sets no name inherits that of Error.
  const names = [error.name, error.constructor?.name];
  const kind =
    (error.name === 'Error' ? names.toReversed() : names).find((name) => /^[A-Z][\w$]{0,60}$/.test(String(name))) ??
    'Error';
  const told = [code === 'PORTICO_FAULT' ? status : code, status]
    .map(String)
    .find((each) => /^[A-Z\d_]{3,60}$/.test(each));
  return told === undefined ? kind : `${kind} ${told}`;
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

interface Frame {
  readonly file: string;
  readonly line: string;
}

/** Returns the frames in files, innermost first; none if the message was changed, because its end in the stack is unknown. */
function framesOf(error: unknown): Frame[] {
  const { stack, message }: Partial<Error> = error instanceof Error ? error : {};
  if (typeof stack !== 'string' || typeof message !== 'string') return [];
  const [head] = message === '' ? /^[^:\n]*/.exec(stack)! : (/^[^:\n]*: /.exec(stack) ?? ['']);
  const at = head.length + message.length;
  if (!stack.startsWith(message, head.length) || stack[at] !== '\n') return [];
  return [...stack.slice(at).matchAll(FRAME)].map(([, url, line]) => ({
    file: url!.startsWith('file:') ? (ignoreErrors(() => fileURLToPath(url!)) ?? url!) : url!,
    line: line!,
  }));
}

const FRAME = /^ +at (?:.*\()?((?:file:\/\/)?\/[^\n()]*?|[A-Za-z]:\\[^\n()]*?):(\d+):\d+\)?$/gm;

/** Returns the message of a fault that Portico threw by itself. Those of 500 and above have no text of a client. */
function ownMessage(error: unknown, [innermost]: readonly Frame[]): string | undefined {
  const { code, status, safe } = Object(error) as {
    readonly code?: unknown;
    readonly status?: unknown;
    readonly safe?: unknown;
  };
  const isFault = error instanceof Error && code === 'PORTICO_FAULT' && Number(status) >= 500;
  return isFault && safe === true && error.cause === undefined && innermost !== undefined && isOwnFile(innermost.file)
    ? error.message
    : undefined;
}

/** A name in a topic, of a method, a class or a host. */
const NAME = /^[\w.@-]{1,80}$/;

/** Returns the remote method whose call failed, with the error and the host of a remote failure: `KeyError in books.sync on host2`. */
function callText(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { calledMethod, type, remoteHost } = error as { calledMethod?: unknown; type?: unknown; remoteHost?: unknown };
  const named = (
    [
      [type, ''],
      [calledMethod, 'in '],
      [remoteHost, 'on '],
    ] as const
  ).flatMap(([name, before]) => (typeof name === 'string' && NAME.test(name) ? `${before}${name}` : []));
  return typeof calledMethod === 'string' ? named.join(' ') : undefined;
}

/** Returns the fixed text in a message. */
function fixedText(error: unknown): string | undefined {
  const found = error instanceof Error ? FIXED.exec(error.message) : null;
  return found === null ? undefined : `${found.index > 0 ? '… ' : ''}${found[0]}`;
}

/** Texts of V8, Node and drivers whose class and code say too little. */
const FIXED = new RegExp(
  [
    'Cannot (?:read|set) properties of (?:undefined|null)',
    'Cannot convert undefined or null to object',
    'is not (?:a function|a constructor|defined|iterable)',
    'Assignment to constant variable',
    'Converting circular structure to JSON',
    'Unexpected end of JSON input',
    'Unexpected token',
    'Invalid (?:array length|string length|time value|URL)',
    'Maximum call stack size exceeded',
    'is not currently accepting connections',
    'the database system is (?:starting up|shutting down|in recovery mode)',
    'remaining connection slots are reserved',
    'before initialization',
    'fetch failed',
    'socket hang up',
    'This operation was aborted',
    'The operation was aborted due to timeout',
    'timeout exceeded when trying to connect',
    'Connection terminated(?: unexpectedly| due to connection timeout)?',
    'terminating connection due to administrator command',
    'canceling statement due to (?:lock timeout|statement timeout|user request)',
    'sorry, too many clients already',
    'deadlock detected',
    'database or disk is full',
    'database is locked',
    'database disk image is malformed',
    'attempt to write a readonly database',
    'unable to open database file',
    'disk I/O error',
    '(?:UNIQUE|FOREIGN KEY|NOT NULL|CHECK) constraint failed',
  ].join('|'),
);
