/**
 * Messages between a supervisor and its workers over the channel. They use structured cloning, so that bytes and maps keep their types. Both ends
 * trust each other: the code of a worker runs as the user of its parent.
 */

import type { WorkerAssignment } from '../config/index.js';
import type { Counted } from '../counts/index.js';
import type { Diagnostic } from '../errors/index.js';
import type { LogLevel } from '../log/index.js';
import type { HeldRequest } from '../operating/index.js';
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

/** A file that a worker has read by `config.readFile`, with the option that names it. The content is never sent. */
export interface FileRead {
  readonly path: string;
  readonly option: string;
  readonly where: string;
}

/** A value that a worker leaves to others of its service: plain data. */
export interface Kept {
  readonly key: string;
  readonly value: unknown;
}

/** Message from a worker. */
export type ToParent =
  /** It serves, with this resident memory in bytes. Its application has requested this number of workers for the service. */
  | { readonly kind: 'ready'; readonly rss?: number; readonly workers?: number }
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
  /** Heartbeat; `nextMs`: the time until the next one, a second unless it is idle. */
  | { readonly kind: 'beat'; readonly debugged: boolean; readonly facts: Facts; readonly nextMs: number }
  /** It is idle no more, because of a request: heartbeats come each second again. */
  | { readonly kind: 'awake' }
  /** Counts since the last message. */
  | ({ readonly kind: 'counted' } & Counted)
  /** It needs tokens, and sends no other question before the response, `taken`. */
  | { readonly kind: 'take'; readonly takes: readonly Take[] }
  /** Tokens that came too late to be used. */
  | { readonly kind: 'giveBack'; readonly takes: readonly Take[] }
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

/** Reports whether a value is a message, and not one from `process.send()` in an application. */
export function isSent(value: unknown): value is Sent {
  return (value as Partial<Sent> | null | undefined)?.portico === true;
}

type Facts = Readonly<Record<string, unknown>>;

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
  /** True: its watch thread starts before the application is loaded, and has the stack of a start that is stuck. */
  readonly watchesStart?: boolean;
  /** Values that workers of the service have left. */
  readonly kept?: readonly Kept[];
  /** Arguments of its main module: in the command line, which every user can read, they are masked. */
  readonly arguments?: readonly string[];
}

/** Message from the supervisor. */
export type ToWorker =
  | Configure
  /** Has a socket; sent after `configure`. */
  | { readonly kind: 'socket' }
  /** Every first worker of the trial is built: start to serve. */
  | { readonly kind: 'serve' }
  /** Drain and end. */
  | { readonly kind: 'drain'; readonly reason: StopReason; readonly timeoutMs: number }
  /** A later configuration, for `reset()` of running services; the response is `answer`, with whether none refused it. */
  | ({ readonly kind: 'mutate'; readonly id: number } & Pick<Configure, 'configuration'>)
  /** Reopen the log file, because it was renamed. */
  | { readonly kind: 'reopen' }
  /** A value that another worker with its index has left. */
  | ({ readonly kind: 'kept' } & Kept)
  /** Response to `take`: one entry for each take, in order. */
  | { readonly kind: 'taken'; readonly taken: readonly TakenOf[] }
  /** Question from another part of the toolkit; the response is `answer`. */
  | { readonly kind: 'ask'; readonly id: number; readonly topic: string; readonly body: unknown };

/** Result of one take: the time to wait, the tokens left, the time until the bucket is full. */
export type TakenOf = readonly [waitMs: number, left: number, resetMs: number];
