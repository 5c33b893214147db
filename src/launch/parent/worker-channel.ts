/**
 * The parent's end of its connection to one worker: the channel and the watch thread's pipe. Values from other senders,
 * such as loaders, agents and `process.send` in applications, are reported once and ignored.
 */
import type { ChildProcess, SendHandle } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Counted } from '../../counts/index.js';
import { errorText, ignoreErrors } from '../../errors/index.js';
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

  /** `told` is called with each message; `broken` once, if the worker must end because of its channel. */
  constructor(
    child: ChildProcess,
    listener: Pick<WorkerListener, 'take' | 'foreign'>,
    { told, broken }: { told(message: Told): void; broken(what: string): void },
  ) {
    this.#child = child;
    this.#listener = listener;
    this.#told = told;
    guardChannel(child, broken);
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
      text = (lines.pop() ?? '').slice(0, MESSAGE_BYTES);
      for (const line of lines) ignoreErrors(() => this.#told(JSON.parse(line) as Told));
    });
  }
}

// Guards a parent against the channel of a worker. Node reads the channel and throws for bytes that are no message, and for messages of its
// internal protocol that it does not expect; without a guard, that ends the parent.

/**
 * Largest message of a worker: a parent would gather the bytes of one without an end. Far above what a worker sends: a list of errors, the
 * description of an API, and gauges may have megabytes.
 */
const MESSAGE_BYTES = 64 * 2 ** 20;
/** Bytes that Node reads at once: the end of a message, and the beginning of the next. */
const READ_BYTES = 65_536;

/** Node's own handle of a channel. */
interface Pipe {
  onread(bytes: ArrayBuffer | undefined): unknown;
}

/**
 * Calls `broken` once for bytes that are no message, for a message that is too large, and for one that a listener refuses with an error.
 * Nothing that follows is read.
 */
function guardChannel(child: ChildProcess, broken: (what: string) => void): void {
  let isBroken = false;
  let unread = 0;
  const end = (what: string): void => {
    if (isBroken) return;
    isBroken = true;
    broken(what);
  };
  const { emit } = child;
  child.emit = (event: string, ...rest: unknown[]): boolean => {
    if (event !== 'message' && event !== 'internalMessage') return Reflect.apply(emit, child, [event, ...rest]);
    if (isBroken) return true;
    unread = 0;
    try {
      return Reflect.apply(emit, child, [event, ...rest]);
    } catch (error) {
      end(`sent a message that cannot be handled (${errorText(error)})`);
      return true;
    }
  };
  const pipe = pipeOf(child);
  if (pipe === undefined) return;
  const read = pipe.onread;
  pipe.onread = (bytes) => {
    if (isBroken && bytes !== undefined) return;
    unread += bytes?.byteLength ?? 0;
    if (bytes !== undefined && unread > MESSAGE_BYTES + READ_BYTES)
      return end(`sent a message of more than ${MESSAGE_BYTES / 2 ** 20} MiB`);
    try {
      Reflect.apply(read, pipe, [bytes]);
    } catch (error) {
      end(`wrote bytes to its channel that are no message (${errorText(error)})`);
    }
  };
}

/** Returns Node's handle, which has no public name; undefined if it has none. */
function pipeOf(child: ChildProcess): Pipe | undefined {
  const key = Object.getOwnPropertySymbols(child).find(({ description }) => description === 'kChannelHandle');
  return key === undefined ? undefined : ((child as unknown as Record<symbol, Pipe | null>)[key] ?? undefined);
}
