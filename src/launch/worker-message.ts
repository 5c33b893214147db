/**
 * Messages between a supervisor and its workers over the channel, and the limits of what a worker may say: facts, responses and errors of an
 * application must not exhaust its parent. They use structured cloning, so that bytes and maps keep their types.
 */

import { createHash } from 'node:crypto';
import { serialize } from 'node:v8';
import type { WorkerAssignment } from '../config/index.js';
import type { Counted, OwnMetric } from '../counts/index.js';
import { type Diagnostic, ignoreErrors, isError } from '../errors/index.js';
import type { LogLevel } from '../log/index.js';
import type { HeldRequest } from '../operating/index.js';
import type { ProgramFile } from '../process/index.js';
import type { ListenAddress, StopReason } from '../service/index.js';
import type { SharedRule } from '../service/internal.js';
import type { LaunchSettings } from './launcher-options.js';
import type { Spoken } from './protocol.js';

/** Reason why a worker ends before it was ready. */
export interface WorkerFailure {
  /** Text for an operator; has a stack only for an unforeseen error. A refused configuration has its errors instead. */
  readonly text?: string | undefined;
  /** All errors, if the configuration was refused. */
  readonly diagnostics?: readonly Diagnostic[] | undefined;
  readonly code: string | undefined;
  /** Exit status of the worker. */
  readonly status: number;
}

/**
 * A take of a token: the rule, the key, and the time for which the request would wait. A message contains each rule
 * once, however many takes refer to it.
 */
export type Take = readonly [rule: SharedRule, key: string, patienceMs: number];

/** Tokens that a worker has taken by itself from a bucket. */
export type Used = readonly [rule: SharedRule, key: string, tokens: number];

/** A loan of tokens that is over, with the number of unused ones. */
export type Settled = readonly [loan: number, unused: number];

/** Tokens that a worker asks for, and those that it has taken by itself. */
export interface TokenQuestion {
  readonly takes: readonly Take[];
  readonly used: readonly Used[];
  readonly settled: readonly Settled[];
}

/** A file that a worker has read by `config.readFile`, with the option that names it. The content is never sent. */
export interface FileRead {
  readonly path: string;
  readonly option: string;
  readonly where: string;
  /** Digest of a file that it has read from disk; the parent has that of others. */
  readonly hash?: string;
}

/** A value that a worker leaves to others of its service: plain data, at most {@link KEPT_BYTES}. */
export interface Kept {
  readonly key: string;
  readonly value: unknown;
}

/** Message from a worker. */
export type ToParent =
  /** It serves, with this resident memory in bytes. Its application has requested this number of workers for the service. */
  | { readonly kind: 'ready'; readonly rss?: number; readonly workers?: number }
  /** Files of the application that it has loaded until then. */
  | { readonly kind: 'code'; readonly files: readonly ProgramFile[] }
  /** Files that it has read by `config.readFile` since the last message. */
  | { readonly kind: 'read'; readonly files: readonly FileRead[] }
  /** It has built its service, or all in a child that only builds; a first worker adds what it found in the configuration. */
  | { readonly kind: 'built'; readonly diagnostics: readonly Diagnostic[] }
  | ({ readonly kind: 'failed' } & WorkerFailure)
  /** It accepts no new connections. */
  | { readonly kind: 'draining' }
  /**
   * It has ended all services, with or without cutting off work, and exits with that status. `signalled`: a signal has
   * requested that.
   */
  | {
      readonly kind: 'ended';
      readonly status: number;
      readonly cutOff: boolean;
      readonly cutOffRequests?: number;
      readonly signalled?: boolean;
    }
  /** Heartbeat; `nextMs`: the time until the next one, usually a second. */
  | { readonly kind: 'beat'; readonly debugged: boolean; readonly facts: Facts; readonly nextMs?: number }
  /** It is idle no more, because of a request: heartbeats come each second again. */
  | { readonly kind: 'awake' }
  /** Counts since the last message. */
  | ({ readonly kind: 'counted' } & Counted)
  /** It needs tokens, and sends no other question before the response, `taken`. */
  | ({ readonly kind: 'take' } & TokenQuestion)
  /** A value for the workers of its service that start later, and for the others. */
  | ({ readonly kind: 'keep' } & Kept)
  /** From its watch thread: the stack of the stuck main thread, innermost frame first, and the time since its last heartbeat. */
  | { readonly kind: 'stuck'; readonly stack: readonly string[]; readonly silentMs?: number }
  /**
   * From its watch thread, four times a second: requests that have begun, by slot; those that have ended; and the
   * resident memory if the main thread does not report it.
   */
  | {
      readonly kind: 'inHand';
      readonly came: readonly (readonly [slot: number, head: string])[];
      readonly left: readonly number[];
      readonly rss?: number;
    }
  /** The application ends the process: the requests in progress, exactly. */
  | { readonly kind: 'leaves'; readonly requests: readonly HeldRequest[] }
  /** It requests a fresh worker in its place. */
  | { readonly kind: 'replace'; readonly reason: string }
  /** Response to `ask`, or to `mutate`: then `body` is true if all services have taken the configuration. */
  | { readonly kind: 'answer'; readonly id: number; readonly body?: unknown; readonly error?: string };

/**
 * Message as sent over the channel. The mark distinguishes it from objects of an application, which may have a `kind`
 * too.
 */
export type Sent = ToParent & { readonly portico: true };

type Facts = Readonly<Record<string, unknown>>;

/** Most bytes of a message; also of all names of files that a parent keeps of its workers. */
export const MESSAGE_BYTES = 4 * 1024 * 1024;
/** Most bytes of a part that an application may fill: facts, diagnostics, files of the application; and most characters of a text. */
export const PART_BYTES = MESSAGE_BYTES / 4;
/** Most characters of a text that a parent keeps for as long as it lives, or for a request. */
export const KEPT_CHARACTERS = 256;
/** Most bytes of a value that a parent keeps for the workers of a service. */
const KEPT_BYTES = 64 * 1024;
/** Most files in one `read` message. */
const FILES_READ = 1000;
/** Code of a diagnostic that has no other. */
const REFUSED = 'PORTICO_CONFIGURATION_REFUSED';
/** End of a shortened text. */
const SHORTENED = '… (shortened)';
/** Most names of facts in a warning. */
const NAMES = 3;

/** Returns the marked message within the limits. `warn` is called with the facts and files that are left out. */
export function fittingMessage(message: ToParent, warn: (text: string) => void): Sent {
  return { ...fitting(message, warn), portico: true };
}

function fitting(message: ToParent, warn: (text: string) => void): ToParent {
  switch (message.kind) {
    case 'failed': {
      const { text, code, diagnostics } = message;
      const known = diagnostics && fittingDiagnostics(diagnostics);
      return { ...message, text: text && shortened(text), code: code && shortened(code), diagnostics: known };
    }
    case 'built':
      return { ...message, diagnostics: fittingDiagnostics(message.diagnostics) };
    case 'code': {
      const { kept, left } = firstThatFit(message.files);
      const count = `${kept.length} of the ${kept.length + left.length} files of the application`;
      if (left.length > 0)
        warn(`Only ${count} are compared with those of other workers: their paths have more than ${PART_BYTES} bytes`);
      return { ...message, files: kept };
    }
    case 'read':
      return { ...message, files: message.files.slice(0, FILES_READ) };
    case 'replace':
      return { ...message, reason: shortened(message.reason ?? 'asked for') };
    case 'beat': {
      const { kept, left } = firstThatFit(Object.entries(message.facts));
      const some = left.slice(0, NAMES).map(([name]) => quoted(name));
      const others = left.length > NAMES ? ` and ${left.length - NAMES} others` : '';
      const limits = `the limit is ${PART_BYTES} bytes, without functions`;
      if (left.length > 0) warn(`Facts are omitted from the heartbeats: ${some.join(', ')}${others}; ${limits}`);
      return { ...message, facts: Object.fromEntries(kept) };
    }
    case 'answer':
      return fittingAnswer(message);
    default:
      return message;
  }
}

/** Reports whether a parent keeps that value. */
export function isKept({ key, value }: Kept): boolean {
  return key.length <= KEPT_CHARACTERS && sizeOf(value) <= KEPT_BYTES;
}

/** Returns the items that fit into a part of a message, the first first, and the others. */
function firstThatFit<T>(items: readonly T[]): { readonly kept: readonly T[]; readonly left: readonly T[] } {
  if (sizeOf(items) <= PART_BYTES) return { kept: items, left: [] };
  let bytes = 0;
  const left: T[] = [];
  const kept = items.filter((item) => {
    const size = sizeOf(item);
    const fits = bytes + size <= PART_BYTES;
    if (fits) bytes += size;
    else left.push(item);
    return fits;
  });
  return { kept, left };
}

/**
 * Returns all diagnostics if they fit, else the first that do, errors before warnings, and one that counts the others.
 * Those of an application in JavaScript may be incomplete.
 */
function fittingDiagnostics(found: readonly Partial<Diagnostic>[]): readonly Diagnostic[] {
  const all = found.map((each): Diagnostic => {
    const { severity, code = REFUSED, message } = { ...each };
    const isWarning = severity === 'warning';
    return { ...each, severity: isWarning ? severity : 'error', code: String(code), message: String(message) };
  });
  if (sizeOf(all) <= PART_BYTES) return all;
  const { kept, left } = firstThatFit([...all.filter(isError), ...all.filter((one) => !isError(one))]);
  const severity = left.some(isError) ? 'error' : 'warning';
  const message = `${left.length} further errors or warnings are omitted: the limit is ${PART_BYTES} bytes`;
  return [...kept, { severity, code: REFUSED, message }];
}

/** Turns a response that cannot be sent into an error with the reason. */
function fittingAnswer(message: Extract<ToParent, { kind: 'answer' }>): ToParent {
  const { kind, id, error } = message;
  if (error !== undefined) return { kind, id, error: shortened(error) };
  try {
    const size = serialize(message.body).byteLength;
    if (size <= MESSAGE_BYTES) return message;
    return { kind, id, error: `its response has ${size} bytes, more than ${MESSAGE_BYTES}` };
  } catch (why) {
    return { kind, id, error: shortened(`its response cannot be sent: ${(why as Error | undefined)?.message}`) };
  }
}

/** Returns the size on the channel in bytes; infinity for a value that cannot be sent. */
function sizeOf(value: unknown): number {
  return ignoreErrors(() => serialize(value).byteLength) ?? Number.POSITIVE_INFINITY;
}

function shortened(value: unknown): string {
  const text = String(value);
  return text.length <= PART_BYTES ? text : `${text.slice(0, PART_BYTES - SHORTENED.length)}${SHORTENED}`;
}

const RULE = { id: '', rate: 0, burst: 0, maxKeys: 0 };

const OWN = [
  { name: '', help: '', type: '', aggregator: '', bounds: [0], series: [{ labels: [''], counts: [0], sum: 0 }] },
];

/** Fields of messages by example; those of a list are examples of its items, in turn. */
const FIELDS: Readonly<Partial<Record<ToParent['kind'], object>>> = {
  code: { files: [['', '']] },
  read: { files: [{ path: '', option: '', where: '' }] },
  built: { diagnostics: [{ severity: '', code: '', message: '' }] },
  failed: { status: 0 },
  ended: { status: 0, cutOff: false },
  beat: { debugged: false, facts: {} },
  counted: { buckets: [0], series: [{ metric: '', labels: [''], counts: [0], sum: 0 }] },
  keep: { key: '' },
  take: { takes: [[RULE, '', 0]], used: [[RULE, '', 0]], settled: [[0, 0]] },
  stuck: { stack: [''] },
  inHand: { came: [[0, '']], left: [0] },
  leaves: { requests: [{ method: '', path: '', ageMs: 0 }] },
  replace: { reason: '' },
  answer: { id: 0 },
};
/** Messages whose texts a parent keeps one by one. Names of files are limited by their sum. */
const ONE_BY_ONE: ReadonlySet<ToParent['kind']> = new Set(['counted', 'inHand', 'take']);

/** Throws if the message has a field of a wrong type, or a text that a worker would have shortened. */
export function checkMessage(message: ToParent): void {
  const { kind } = message;
  const fields = Object.hasOwn(FIELDS, kind) ? FIELDS[kind] : undefined;
  if (fields === undefined) return;
  if (!isLike(message, fields)) throw new TypeError(`the fields of "${kind}" have wrong types`);
  if (message.kind === 'counted' && message.own !== undefined && !areOwnMetrics(message.own))
    throw new TypeError('"counted" has metrics of wrong types');
  if (message.kind === 'keep' && !isKept(message)) throw new TypeError('"keep" has a value that is too large');
  if (ONE_BY_ONE.has(kind) && hasLongText(message)) throw new TypeError(`"${kind}" has a text that is too long`);
}

export function areOwnMetrics(value: unknown): value is readonly OwnMetric[] {
  return isLike(value, OWN);
}

function isLike(value: unknown, example: unknown): boolean {
  if (Array.isArray(example))
    return Array.isArray(value) && value.every((item, at) => isLike(item, example[at % example.length]));
  if (typeof value !== typeof example || value === null) return false;
  return Object.entries(Object(example)).every(([name, part]) =>
    isLike((value as Record<string, unknown>)[name], part),
  );
}

function hasLongText(value: unknown): boolean {
  if (typeof value === 'string') return value.length > KEPT_CHARACTERS;
  return typeof value === 'object' && value !== null && Object.values(value).some(hasLongText);
}

/**
 * Describes a value without the mark of a message, such as one from `process.send()` in an application; returns
 * undefined for a message.
 */
export function foreignMessage(value: unknown): string | undefined {
  if (typeof value === 'string') return `the text ${quoted(value)}`;
  if (typeof value !== 'object' || value === null) return String(value);
  if ((value as Partial<Sent>).portico === true) return undefined;
  if (Array.isArray(value)) return 'a list';
  const names = Object.keys(value);
  const some = names.slice(0, NAMES).map(quoted).join(', ');
  return names.length === 0 ? 'an object' : `an object with ${some}${names.length > NAMES ? ', …' : ''}`;
}

function quoted(name: string): string {
  return JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);
}

/** Returns the digest of a file's bytes, as used in this process and between a worker and its parent. */
export function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}

/** The identity of a worker; other directories read it with `workerAssignment()`. */
export type Assignment = WorkerAssignment;

/** Descriptor of the worker's end of the watch thread's pipe; the channel is 3. */
export const WATCH_DESCRIPTOR = 4;

/** First message: everything that a worker knows before its main module runs. */
export interface Configure extends Spoken {
  readonly kind: 'configure';
  readonly assignment: Assignment;
  /** The configuration's own snapshot for workers; opaque here. */
  readonly configuration: unknown;
  readonly settings: LaunchSettings;
  /** The level of the log that a command has set. */
  readonly logLevel?: LogLevel | undefined;
  /** The link by which the parent entered its working directory. */
  readonly link?: string | undefined;
  /** Addresses of its sockets, which follow in this order, each with a message `socket`. */
  readonly addresses: readonly ListenAddress[];
  /**
   * True for a child that is no worker: it builds all services of the application, starts none, and reports the errors.
   */
  readonly builds?: boolean;
  /** True for the first worker of a service at a launch and in a trial: it validates the configuration after its build. */
  readonly validates?: boolean;
  /** True in a trial: after the build the worker waits for `serve`. */
  readonly holds?: boolean;
  /** True: its parent accepts rare heartbeats while it is idle. */
  readonly mayRest?: boolean;
  /** Values that workers of the service have left. */
  readonly kept?: readonly Kept[];
  /** Arguments of its main module: in the command line, which every user can read, they are masked. */
  readonly arguments?: readonly string[];
}

/** Message from the supervisor. */
export type ToWorker =
  | Configure
  /** Has a socket; sent after `configure`, or before `adopt`. */
  | { readonly kind: 'socket' }
  /** Every first worker of the trial is built: start to serve. */
  | { readonly kind: 'serve' }
  /** Drain and end. */
  | { readonly kind: 'drain'; readonly reason: StopReason; readonly timeoutMs: number }
  /** A later configuration, for `reset()` of running services; the response is `answer`, with whether none refused it. */
  | ({ readonly kind: 'mutate'; readonly id: number } & Pick<Configure, 'configuration'>)
  /** Listen also on the sockets that were sent before and belong to another slot; or stop listening there. */
  | { readonly kind: 'adopt' | 'release'; readonly slot: number }
  /** List the files of the application, which may be others than those of its siblings; the response is `code`. */
  | { readonly kind: 'list' }
  /** Reopen the log file, because it was renamed. */
  | { readonly kind: 'reopen' }
  /** A value that another worker with its index has left. */
  | ({ readonly kind: 'kept' } & Kept)
  /** Another worker of the service starts: count no whole buckets any more. */
  | { readonly kind: 'share' }
  /** Response to `take`: one entry for each take, in order. */
  | { readonly kind: 'taken'; readonly taken: readonly TakenOf[]; readonly isAlone: boolean }
  /** Question from another part of the toolkit; the response is `answer`. */
  | { readonly kind: 'ask'; readonly id: number; readonly topic: string; readonly body: unknown };

/** Tokens that a worker may take by itself, for a short time. */
export interface Loan {
  readonly id: number;
  /** Whole tokens. */
  readonly tokens: number;
}

/** Result of one take: the time to wait, the tokens left, the time until the bucket is full, and further tokens that are lent. */
export type TakenOf = readonly [waitMs: number, left: number, resetMs: number, loan?: Loan];
