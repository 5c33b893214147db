/**
 * The messages of a worker to its parent, and how a worker keeps them small: what an application puts into facts, answers and
 * errors must not fill the parent's memory.
 */
import { serialize } from 'node:v8';
import type { Diagnostic } from '../errors/index.js';
import type { Counted } from '../metrics/index.js';
import type { ProgramFile } from '../process/index.js';
import type { SharedRule } from '../service/internal.js';

/** Why a worker ends before it was ready. */
export interface WorkerFailure {
  /** For an operator; with a stack only where an unforeseen error was thrown. */
  readonly text: string;
  /** Of a configuration that was refused: all mistakes. */
  readonly diagnostics?: readonly Diagnostic[] | undefined;
  readonly code: string | undefined;
  /** The status it ends with. */
  readonly status: number;
}

/** A token is to be taken: of which rule, for whom, and how long the request would wait for it. A rule crosses once, however many takes have it. */
export type Take = readonly [rule: SharedRule, key: string, patienceMs: number];

/** A file that a worker has read by `config.readFile`, with the option that names it. The content never crosses. */
export interface FileRead {
  readonly path: string;
  readonly option: string;
  readonly where: string;
  /** Of one that it has read from disk; its parent has the others. */
  readonly hash?: string;
}

/** From a worker. */
export type ToParent =
  /** It serves, with so much resident memory, in bytes; of a first worker the sections that it does not read, if it knows. */
  | { readonly kind: 'ready'; readonly rss?: number; readonly unknown?: readonly Diagnostic[] | undefined }
  /** The files of the program that it has loaded by then. */
  | { readonly kind: 'code'; readonly files: readonly ProgramFile[] }
  /** Files that it has read by `config.readFile` since the last message. */
  | { readonly kind: 'read'; readonly files: readonly FileRead[] }
  /** It has built all services: what it found, which need be no error. */
  | { readonly kind: 'built'; readonly diagnostics: readonly Diagnostic[] }
  | ({ readonly kind: 'failed' } & WorkerFailure)
  /** The program waits: it asked for so many workers of this service. */
  | { readonly kind: 'launched'; readonly workers: number }
  /** It accepts no new connections any more. */
  | { readonly kind: 'draining' }
  /** It has ended all there was to end, with work cut off or without, and exits with that status. */
  | { readonly kind: 'ended'; readonly status: number; readonly cutOff: boolean }
  /** A sign of life. */
  | { readonly kind: 'beat'; readonly debugged: boolean; readonly facts: Facts }
  /** Its counts since the last message. */
  | ({ readonly kind: 'counted' } & Counted)
  /** It needs tokens, and asks for no others before it has the answer, `taken`. */
  | { readonly kind: 'take'; readonly takes: readonly Take[] }
  /** From its watch thread: what the main thread is stuck in, innermost first. */
  | { readonly kind: 'stuck'; readonly stack: readonly string[] }
  /**
   * From its watch thread: requests that have been in hand for a quarter of a second, by slot, those of them that are no more,
   * how many there are, the young ones included, and the resident memory where the main thread does not tell it.
   */
  | {
      readonly kind: 'inHand';
      readonly came: readonly (readonly [slot: number, head: string])[];
      readonly left: readonly number[];
      readonly count: number;
      readonly rss?: number;
    }
  /** It asks for a fresh worker in its place. */
  | { readonly kind: 'replace'; readonly reason: string }
  /** To `ask`, or to `mutate`: then `body` is a {@link Mutated}. */
  | { readonly kind: 'answer'; readonly id: number; readonly body?: unknown; readonly error?: string };

/** Outcome of new values in a worker. */
export interface Mutated {
  /** All its services took them. */
  readonly taken: boolean;
  /** The options, `group.opt`, whose values in the files wait for a restart. */
  readonly waiting: readonly string[];
}

/** As it crosses the channel. The mark tells it from objects of an application, which may have a `kind` too. */
export type Sent = ToParent & { readonly portico: true };

type Facts = Readonly<Record<string, unknown>>;

/** The most tokens of one question. */
export const TAKES = 1000;
/** The largest answer in bytes. */
const ANSWER_BYTES = 24 * 1024 * 1024;
/** The longest text, in characters; a refused configuration may be told in many lines. */
const TEXT = 1024 * 1024;
/** The facts that come with a sign of life each second, in bytes. */
const FACTS_BYTES = 128 * 1024;
/** The files of a program that are compared with those of its siblings, in bytes: some thousands. */
const CODE_BYTES = 256 * 1024;
/** The most files that are told as read at once. */
const FILES_READ = 1000;
/** At the end of a text that was shortened. */
const SHORTENED = '… (shortened)';
/** So many names of facts are told. */
const NAMES = 3;

/** The marked message with texts, facts and answers within their bounds. `warn` is told which facts are left out. */
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
    case 'ready':
      return message.unknown === undefined ? message : { ...message, unknown: fittingDiagnostics(message.unknown) };
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

/** All of them where they fit, else the first that do, errors before warnings, and one that counts the others. */
function fittingDiagnostics(all: readonly Diagnostic[]): readonly Diagnostic[] {
  if (sizeOf(all) <= TEXT) return all;
  const isError = ({ severity }: Diagnostic): boolean => severity === 'error';
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
  return [...kept, { severity, code: 'PORTICO_CONFIGURATION_REFUSED', message }];
}

/** An answer that cannot be sent becomes an error that says why. */
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

/** All of them where they fit, else those in order that still do. */
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

/** All of them where they fit, else the first in their order, which is the same in all workers of a service. */
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

/** In bytes on the channel; infinity for what cannot be sent. */
function sizeOf(value: unknown): number {
  try {
    return serialize(value).byteLength;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function shortened(value: unknown): string {
  const text = String(value);
  return text.length <= TEXT ? text : `${text.slice(0, TEXT - SHORTENED.length)}${SHORTENED}`;
}

/** In a few words a value without the mark of a message, as `process.send()` in an application sends it; undefined for a message. */
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

/** A request as a worker's watch thread has told it. */
export interface HeldRequest {
  readonly method: string;
  /** Without its query, cut at 128 characters. */
  readonly path: string;
  readonly ageMs: number;
}
