/**
 * Messages of a worker to its parent, and their size limits: facts, answers and errors of an application must not fill
 * the parent's memory.
 */
import { serialize } from 'node:v8';
import { type Diagnostic, ignoreErrors, isError } from '../errors/index.js';
import type { Counted } from '../metrics/index.js';
import type { HeldRequest } from '../operating/index.js';
import type { ProgramFile } from '../process/index.js';
import type { SharedRule } from '../service/internal.js';

/** Reason why a worker ends before it was ready. */
export interface WorkerFailure {
  /** Text for an operator; has a stack only for an unforeseen error. */
  readonly text: string;
  /** All mistakes, if the configuration was refused. */
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

/** A file that a worker has read by `config.readFile`, with the option that names it. The content is never sent. */
export interface FileRead {
  readonly path: string;
  readonly option: string;
  readonly where: string;
  /** Digest of a file that it has read from disk; the parent has that of others. */
  readonly hash?: string;
}

/** Message from a worker. */
export type ToParent =
  /** It serves, with this resident memory in bytes. Its program has requested this number of workers for the service. */
  | { readonly kind: 'ready'; readonly rss?: number; readonly workers?: number }
  /** Files of the program that it has loaded until then. */
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
  /** Heartbeat. */
  | { readonly kind: 'beat'; readonly debugged: boolean; readonly facts: Facts }
  /** Counts since the last message. */
  | ({ readonly kind: 'counted' } & Counted)
  /** It needs tokens, and sends no other question before the answer, `taken`. */
  | { readonly kind: 'take'; readonly takes: readonly Take[] }
  /** From its watch thread: the stack of the stuck main thread, innermost frame first. */
  | { readonly kind: 'stuck'; readonly stack: readonly string[] }
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
  /** Answer to `ask`, or to `mutate`: then `body` is a {@link Mutated}. */
  | { readonly kind: 'answer'; readonly id: number; readonly body?: unknown; readonly error?: string };

/** Result of new values in a worker. */
export interface Mutated {
  /** True if all its services applied them. */
  readonly taken: boolean;
  /** Options, `group.opt`, whose values in the files wait for a restart. */
  readonly waiting: readonly string[];
}

/**
 * Message as sent over the channel. The mark distinguishes it from objects of an application, which may have a `kind`
 * too.
 */
export type Sent = ToParent & { readonly portico: true };

type Facts = Readonly<Record<string, unknown>>;

/** Most takes of one question. */
export const TAKES = 1000;
/** Largest answer in bytes. */
const ANSWER_BYTES = 24 * 1024 * 1024;
/** Longest text, in characters; a refused configuration may need many lines. */
const TEXT = 1024 * 1024;
/** Largest facts of a heartbeat, sent each second, in bytes. */
const FACTS_BYTES = 128 * 1024;
/** Largest list of the program's files for the comparison with siblings, in bytes: some thousand files. */
const CODE_BYTES = 256 * 1024;
/** Most files in one `read` message. */
const FILES_READ = 1000;
/** Code of a diagnostic that has no other. */
const REFUSED = 'PORTICO_CONFIGURATION_REFUSED';
/** End of a shortened text. */
const SHORTENED = '… (shortened)';
/** Most names of facts in a warning. */
const NAMES = 3;

/**
 * Returns the marked message with texts, facts and answers within their limits. `warn` is called with the facts that
 * are left out.
 */
export function fittingMessage(message: ToParent, warn: (text: string) => void): Sent {
  return { ...fitting(message, warn), portico: true };
}

function fitting(message: ToParent, warn: (text: string) => void): ToParent {
  switch (message.kind) {
    case 'failed': {
      const { text, code, diagnostics } = message;
      const known = diagnostics && fittingDiagnostics(diagnostics);
      return { ...message, text: shortened(text), code: code && shortened(code), diagnostics: known };
    }
    case 'built':
      return { ...message, diagnostics: fittingDiagnostics(message.diagnostics) };
    case 'code':
      return { ...message, files: fittingFiles(message.files, warn) };
    case 'read':
      return { ...message, files: message.files.slice(0, FILES_READ) };
    case 'replace':
      return { ...message, reason: shortened(message.reason ?? 'asked for') };
    case 'beat':
      return { ...message, facts: fittingFacts(message.facts, warn) };
    case 'answer':
      return fittingAnswer(message);
    default:
      return message;
  }
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
  if (sizeOf(all) <= TEXT) return all;
  let bytes = 0;
  const kept: Diagnostic[] = [];
  for (const each of [...all.filter(isError), ...all.filter((one) => !isError(one))]) {
    bytes += sizeOf(each);
    if (bytes > TEXT) break;
    kept.push(each);
  }
  const left = all.filter((each) => !kept.includes(each));
  const severity = left.some(isError) ? 'error' : 'warning';
  const message = `${left.length} further mistakes are omitted: the limit is ${TEXT} bytes`;
  return [...kept, { severity, code: REFUSED, message }];
}

/** Turns an answer that cannot be sent into an error with the reason. */
function fittingAnswer(message: Extract<ToParent, { kind: 'answer' }>): ToParent {
  const { kind, id, error } = message;
  if (error !== undefined) return { kind, id, error: shortened(error) };
  try {
    const size = serialize(message.body).byteLength;
    if (size <= ANSWER_BYTES) return message;
    return { kind, id, error: `its answer has ${size} bytes, more than ${ANSWER_BYTES}` };
  } catch (why) {
    return { kind, id, error: shortened(`its answer cannot be sent: ${(why as Error | undefined)?.message}`) };
  }
}

/** Returns all facts if they fit, else those that still do, in order. */
function fittingFacts(facts: Facts, warn: (text: string) => void): Facts {
  if (sizeOf(facts) <= FACTS_BYTES) return facts;
  const dropped: string[] = [];
  let bytes = 0;
  const kept = Object.entries(facts).filter(([name, fact]) => {
    const size = sizeOf({ [name]: fact });
    const fits = bytes + size <= FACTS_BYTES;
    if (fits) bytes += size;
    else dropped.push(name);
    return fits;
  });
  const some = dropped.slice(0, NAMES).map((name) => JSON.stringify(name.slice(0, 40)));
  const others = dropped.length > NAMES ? ` and ${dropped.length - NAMES} others` : '';
  const limits = `the limit is ${FACTS_BYTES} bytes, without functions`;
  warn(`Facts are omitted from the heartbeats: ${some.join(', ')}${others}; ${limits}`);
  return Object.fromEntries(kept);
}

/** Returns all files if they fit, else the first in their order, which is the same in all workers of a service. */
function fittingFiles(files: readonly ProgramFile[], warn: (text: string) => void): readonly ProgramFile[] {
  let bytes = 0;
  const left = files.findIndex(([file, hash]) => {
    bytes += Buffer.byteLength(file) + hash.length;
    return bytes > CODE_BYTES;
  });
  if (left === -1) return files;
  const limit = `their paths have more than ${CODE_BYTES} bytes`;
  warn(`Only ${left} of the ${files.length} files of the program are compared with those of other workers: ${limit}`);
  return files.slice(0, left);
}

/** Returns the size on the channel in bytes; infinity for a value that cannot be sent. */
function sizeOf(value: unknown): number {
  return ignoreErrors(() => serialize(value).byteLength) ?? Number.POSITIVE_INFINITY;
}

function shortened(value: unknown): string {
  const text = String(value);
  return text.length <= TEXT ? text : `${text.slice(0, TEXT - SHORTENED.length)}${SHORTENED}`;
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
