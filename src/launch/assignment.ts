/**
 * What crosses the boundary between a supervisor and its workers: an assignment in the environment, and messages over
 * the channel, which are cloned structurally, so that bytes and maps arrive as what they are; and how much a worker may say.
 */
import type { WorkerAssignment } from '../config/index.js';
import type { Diagnostic } from '../errors/index.js';
import type { Counted } from '../metrics/index.js';
import type { ListenAddress } from '../service/index.js';
import type { LaunchSettings } from './launcher-options.js';

/** Which worker a process is; other directories read it with `workerAssignment()`. */
export type Assignment = WorkerAssignment;

/** The worker's end of the pipe its watch thread writes to; the channel is 3, the sockets begin at 5. */
export const WATCH_DESCRIPTOR = 4;

/** The first inherited listening socket. */
export const FIRST_SOCKET_DESCRIPTOR = 5;

/** One address of a service, and the descriptors of its sockets in the worker: one for each slot, or one for all. */
export interface InheritedSockets {
  readonly address: ListenAddress;
  readonly descriptors: readonly number[];
}

/** The first message: all a worker knows before its main module runs. */
export interface Configure {
  readonly kind: 'configure';
  /** What the configuration made of itself for workers; opaque here. */
  readonly configuration: unknown;
  readonly settings: LaunchSettings;
  readonly sockets: readonly InheritedSockets[];
  /** It is to check a reload: it loads all it needs, says so, and starts nothing before it is told to. */
  readonly rehearse?: boolean;
  /** The words behind its main module: the command line, which every user can read, has them masked. */
  readonly arguments?: readonly string[];
}

/** From the supervisor. */
export type ToWorker =
  | Configure
  /** With a socket, before `adopt`. */
  | { readonly kind: 'socket' }
  /** The reload goes on: a worker that rehearsed starts its service. */
  | { readonly kind: 'start' }
  /** Drain and end: another worker has taken over (`replaced`), or none will (`stop`). */
  | { readonly kind: 'drain'; readonly reason: 'replaced' | 'stop'; readonly timeoutMs: number }
  /** New values for the services that go on serving; answered by `done`. */
  | {
      readonly kind: 'mutate';
      readonly id: number;
      readonly configuration: unknown;
      readonly settings: LaunchSettings;
    }
  /** Listen on the sockets that came before as well, which are another slot's, or no longer. */
  | { readonly kind: 'adopt' | 'release'; readonly slot: number }
  /** The log file was renamed: open it anew. */
  | { readonly kind: 'reopen' }
  /** The answer to `take`: one for each, in their order. */
  | { readonly kind: 'taken'; readonly taken: readonly TakenOf[] }
  /** A question of another part of the toolkit; answered by `answer`. */
  | { readonly kind: 'ask'; readonly id: number; readonly topic: string; readonly body: unknown };

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

/** What tokens are taken of: `SharedRule` of the service directory. */
export interface TakeRule {
  readonly id: string;
  readonly rate: number;
  readonly burst: number;
  readonly maxKeys: number;
}

/** A token is to be taken: of which rule of the question, for whom, and how long the request would wait for it. */
export type Take = readonly [rule: number, key: string, patienceMs: number];

/** What a worker asks at once. */
export interface Question {
  readonly rules: readonly TakeRule[];
  readonly takes: readonly Take[];
}

/** What came of one: the time to wait, the tokens left, and the time until the bucket is full. */
export type TakenOf = readonly [waitMs: number, left: number, resetMs: number];

/** A service that a worker's run of the main module launched, whether assigned to it or not. */
export interface LaunchedService {
  readonly name: string;
  readonly workers: number;
}

/** From a worker; `parent/worker-message.ts` has what may stand in each. */
export type ToParent =
  | { readonly kind: 'ready' }
  /** It has loaded what its service needs, from these files among others: each with the digest of what it read there. */
  | { readonly kind: 'rehearsed'; readonly files: ReadonlyMap<string, string> }
  | ({ readonly kind: 'failed' } & WorkerFailure)
  /** The program waits: these are all the services it launched. */
  | { readonly kind: 'launched'; readonly services: readonly LaunchedService[] }
  /** It accepts no new connections any more. */
  | { readonly kind: 'draining' }
  /** It has ended all there was to end, with work cut off or without, and exits with that status. */
  | { readonly kind: 'ended'; readonly status: number; readonly cutOff: boolean }
  /** A sign of life. */
  | { readonly kind: 'beat'; readonly debugged: boolean; readonly facts: Readonly<Record<string, unknown>> }
  /** What it has counted since it said so last. */
  | ({ readonly kind: 'counted' } & Counted)
  /** It needs tokens, and asks for no others before it has the answer, `taken`. */
  | { readonly kind: 'take'; readonly question: Question }
  /** From its watch thread: what the main thread is stuck in, innermost first. */
  | { readonly kind: 'stuck'; readonly stack: readonly string[] }
  /** It asks for a fresh worker in its place. */
  | { readonly kind: 'replace'; readonly reason: string }
  | { readonly kind: 'done'; readonly id: number; readonly accepted: boolean }
  | { readonly kind: 'answer'; readonly id: number; readonly body?: unknown; readonly error?: string };

/** The largest message; and what a worker may send at once besides its answers. */
export const MOST_BYTES = 32 * 1024 * 1024;
/** It may send as much a second for ever. One that does as it should sends some hundred bytes. */
export const BYTES_PER_SECOND = 1024 * 1024;
/** The most tokens, and rules, of one question; the longest key, and the longest name of a rule. A question has 330 kB at most. */
export const TAKES = 1000;
export const TAKE_KEY = 64;
export const TAKE_ID = 256;
/** The largest answer: less than a message may have, because other messages are under way. */
export const ANSWER_BYTES = 24 * 1024 * 1024;
/** The longest text, in characters; a refused configuration may be told in many lines. */
export const TEXT = 1024 * 1024;
/** The most elements of a list or a map. */
export const ELEMENTS = 100_000;
/** What comes with a sign of life once a second: so many bytes, this deep and this many values. */
export const FACTS_BYTES = 128 * 1024;
export const FACTS_DEPTH = 16;
export const FACTS_VALUES = 10_000;

/**
 * How many values there are in the facts; infinity for too many, or too deep ones. Walks level by level: it needs no stack,
 * and ends for a value that contains itself.
 */
export function countValues(facts: object): number {
  let level: object[] = [facts];
  let values = 0;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth >= FACTS_DEPTH) return Number.POSITIVE_INFINITY;
    const below: object[] = [];
    for (const each of level) {
      const inner: unknown[] = Object.values(each);
      values += inner.length;
      if (values > FACTS_VALUES) return Number.POSITIVE_INFINITY;
      for (const one of inner) if (typeof one === 'object' && one !== null) below.push(one);
    }
    level = below;
  }
  return values;
}
