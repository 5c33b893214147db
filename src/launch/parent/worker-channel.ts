/**
 * The parent's end of its connection to one worker: the channel and the watch thread's pipe. Values from other senders,
 * such as loaders, agents and `process.send` in applications, are reported once and ignored.
 */
import type { ChildProcess, SendHandle } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Counted } from '../../counts/index.js';
import { ignoreErrors } from '../../errors/index.js';
import {
  type FileRead,
  isSent,
  type Kept,
  type Take,
  type TakenOf,
  type ToParent,
  type ToWorker,
} from '../worker-message.js';

/** Messages of a worker that request no tokens. */
export type Told = Exclude<ToParent, { kind: 'take' }>;

/** Listener of a worker's requests and errors; all methods are optional. */
export interface WorkerListener {
  /** Handles a request for tokens; returns the result of each. */
  take?(takes: readonly Take[]): readonly TakenOf[];
  /** Handles tokens that were taken and not used. */
  giveBack?(takes: readonly Take[]): void;
  /** Called once for a value that is not of this protocol, such as one from `process.send()`. */
  foreign?(): void;
  /** Called when the worker is killed because of its channel: `what` ends a sentence that begins with the worker. */
  fault?(what: string): void;
  /** Called with a value for other workers of its service. */
  keep?(kept: Kept): void;
  /** Called when the worker requests its own replacement. */
  replace?(reason: string): void;
  /** Called at each heartbeat. */
  beat?(): void;
  /** Called when the worker is not idle. */
  awake?(): void;
  /** Called with the worker's counts. */
  counted?(counted: Counted): void;
  /** Called with the files that the worker has read through its configuration. */
  read?(files: readonly FileRead[]): void;
}

export class WorkerChannel {
  readonly #child: ChildProcess;
  readonly #listener: Pick<WorkerListener, 'take' | 'foreign'>;
  readonly #told: (message: Told) => void;
  #foreign = false;

  /** `told` is called with each message. */
  constructor(child: ChildProcess, listener: Pick<WorkerListener, 'take' | 'foreign'>, told: (message: Told) => void) {
    this.#child = child;
    this.#listener = listener;
    this.#told = told;
    child.on('message', (message) => this.#receive(message));
    this.#readWatchPipe(child.stdio[4] as Readable | null | undefined);
  }

  /** Ignores failures: the exit of a worker is handled elsewhere. */
  send(message: ToWorker, socket?: SendHandle): void {
    if (this.#child.connected) this.#child.send(message, socket, () => undefined);
  }

  #receive(message: unknown): void {
    if (!isSent(message)) {
      if (!this.#foreign) this.#listener.foreign?.();
      this.#foreign = true;
    } else if (message.kind === 'take') {
      this.send({ kind: 'taken', taken: this.#listener.take?.(message.takes) ?? [] });
    } else this.#told(message);
  }

  #readWatchPipe(pipe: Readable | null | undefined): void {
    if (!pipe) return;
    let text = '';
    pipe.setEncoding('utf8');
    pipe.on('error', () => undefined);
    pipe.on('data', (piece: string) => {
      const lines = piece.split('\n');
      lines[0] = text + lines[0]!;
      text = lines.pop() ?? '';
      for (const line of lines) ignoreErrors(() => this.#told(JSON.parse(line) as Told));
    });
  }
}
