/**
 * Messages of a supervisor to its workers over the channel. They use structured cloning, so that bytes and maps keep
 * their types. `worker-message.ts` has the messages of workers.
 */
import type { WorkerAssignment } from '../config/index.js';
import type { LogLevel } from '../log/index.js';
import type { ListenAddress, StopReason } from '../service/index.js';
import type { LaunchSettings } from './launcher-options.js';

/** The identity of a worker; other directories read it with `workerAssignment()`. */
export type Assignment = WorkerAssignment;

/** Descriptor of the worker's end of the watch thread's pipe; the channel is 3. */
export const WATCH_DESCRIPTOR = 4;

/** First message: everything that a worker knows before its main module runs. */
export interface Configure {
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
   * True for a child that is no worker: it builds all services of the program, starts none, and reports the errors.
   */
  readonly builds?: boolean;
  /** True for the first worker of a service at a launch and in a trial: it validates the configuration after its build. */
  readonly validates?: boolean;
  /** True in a trial: after the build the worker waits for `serve`. */
  readonly holds?: boolean;
  /** True: its parent accepts rare heartbeats while it is at rest. */
  readonly mayRest?: boolean;
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
  /** A later configuration, for `reset()` of running services; answered by `answer`, with whether none refused it. */
  | ({ readonly kind: 'mutate'; readonly id: number } & Pick<Configure, 'configuration'>)
  /** Listen also on the sockets that were sent before and belong to another slot; or stop listening there. */
  | { readonly kind: 'adopt' | 'release'; readonly slot: number }
  /** Reopen the log file, because it was renamed. */
  | { readonly kind: 'reopen' }
  /** Another worker of the service starts: count no whole buckets any more. */
  | { readonly kind: 'share' }
  /** Answer to `take`: one entry for each take, in order. */
  | { readonly kind: 'taken'; readonly taken: readonly TakenOf[]; readonly isAlone: boolean }
  /** Question from another part of the toolkit; answered by `answer`. */
  | { readonly kind: 'ask'; readonly id: number; readonly topic: string; readonly body: unknown };

/** Tokens that a worker may take by itself, for a short time. */
export interface Loan {
  readonly id: number;
  /** Whole tokens. */
  readonly tokens: number;
}

/** Result of one take: the time to wait, the tokens left, the time until the bucket is full, and further tokens that are lent. */
export type TakenOf = readonly [waitMs: number, left: number, resetMs: number, loan?: Loan];
