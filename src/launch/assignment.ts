/**
 * Messages of a supervisor to its workers over the channel. They are cloned structurally, so that bytes and maps keep their types.
 * `worker-message.ts` has the messages of workers.
 */
import type { WorkerAssignment } from '../config/index.js';
import type { ListenAddress, StopReason } from '../service/index.js';
import type { LaunchSettings } from './launcher-options.js';

/** The identity of a worker; other directories read it with `workerAssignment()`. */
export type Assignment = WorkerAssignment;

/** The worker's end of the pipe its watch thread writes to; the channel is 3. */
export const WATCH_DESCRIPTOR = 4;

/** The first message: all a worker knows before its main module runs. */
export interface Configure {
  readonly kind: 'configure';
  readonly assignment: Assignment;
  /** The configuration's own snapshot for workers; opaque here. */
  readonly configuration: unknown;
  readonly settings: LaunchSettings;
  /** The link by which the parent entered its working directory. */
  readonly link?: string | undefined;
  /** Addresses of its sockets, which follow in this order, each with a message `socket`. */
  readonly addresses: readonly ListenAddress[];
  /** It is no worker: it builds all services of the program, starts none, and reports what is wrong. */
  readonly builds?: boolean;
  /** The words behind its main module: the command line, which every user can read, has them masked. */
  readonly arguments?: readonly string[];
}

/** From the supervisor. */
export type ToWorker =
  | Configure
  /** With a socket: behind `configure`, or before `adopt`. */
  | { readonly kind: 'socket' }
  /** Drain and end. */
  | { readonly kind: 'drain'; readonly reason: StopReason; readonly timeoutMs: number }
  /** New values for the services that go on serving; answered by `answer`, with whether all of them took these. */
  | ({ readonly kind: 'mutate'; readonly id: number } & Pick<Configure, 'configuration' | 'settings'>)
  /** Listen on the sockets that came before as well, which are another slot's, or no longer. */
  | { readonly kind: 'adopt' | 'release'; readonly slot: number }
  /** The log file was renamed: open it anew. */
  | { readonly kind: 'reopen' }
  /** The answer to `take`: one for each, in their order. */
  | { readonly kind: 'taken'; readonly taken: readonly TakenOf[] }
  /** A question of another part of the toolkit; answered by `answer`. */
  | { readonly kind: 'ask'; readonly id: number; readonly topic: string; readonly body: unknown };

/** Outcome of one taking: the time to wait, the tokens left, and the time until the bucket is full. */
export type TakenOf = readonly [waitMs: number, left: number, resetMs: number];
