/**
 * The parent's end of what it shares with one worker: the channel and the watch thread's pipe. Values that others send there,
 * as loaders, agents and applications do by `process.send`, are told once and ignored.
 */
import type { ChildProcess, SendHandle } from 'node:child_process';
import type { Readable } from 'node:stream';
import { ignoreErrors } from '../../errors/index.js';
import type { Counted } from '../../metrics/index.js';
import type { ProgramFile } from '../../process/index.js';
import type { TakenOf, ToWorker } from '../assignment.js';
import { type FileRead, foreignMessage, type Take, type ToParent } from '../worker-message.js';

/** The messages of a worker that ask for no tokens. */
export type Told = Exclude<ToParent, { kind: 'take' }>;

/** Hears the messages of a worker. */
export interface ChannelListener {
  message(message: Told): void;
  /** It needs tokens; gives what came of each. */
  take(takes: readonly Take[]): readonly TakenOf[];
  /** It sent a value that is not of this protocol, as by `process.send()`: a description of it. Called once. */
  foreign(what: string): void;
}

/** Listener of a worker's requests and mistakes; absent methods are not needed. */
export interface WorkerListener extends Partial<Omit<ChannelListener, 'message'>> {
  /** It can be told nothing any more, and is killed: why. */
  fault?(what: string): void;
  /** It asks for a fresh one in its place. */
  replace?(reason: string): void;
  /** It has given a sign of life. */
  beat?(): void;
  /** Takes its counts. */
  counted?(counted: Counted): void;
  /** It serves, and has loaded these files of the program. */
  loaded?(files: readonly ProgramFile[]): void;
  /** It has read these files by its configuration. */
  read?(files: readonly FileRead[]): void;
}

/** The longest line of the watch thread, which tells a stack: what is longer is cut. */
const LINE_CHARACTERS = 1024 * 1024;

export class WorkerChannel {
  readonly #child: ChildProcess;
  readonly #listener: ChannelListener;
  #foreign = false;

  constructor(child: ChildProcess, listener: ChannelListener) {
    this.#child = child;
    this.#listener = listener;
    child.on('message', (message) => this.#receive(message));
    this.#readWatchPipe(child.stdio[4] as Readable | null | undefined);
  }

  /** A worker that is gone is noticed by its exit. */
  send(message: ToWorker, socket?: SendHandle): void {
    if (this.#child.connected) this.#child.send(message, socket, () => undefined);
  }

  #receive(value: unknown): void {
    const foreign = foreignMessage(value);
    if (foreign !== undefined) {
      if (!this.#foreign) this.#listener.foreign(foreign);
      this.#foreign = true;
      return;
    }
    const message = value as ToParent;
    if (message.kind === 'take') this.send({ kind: 'taken', taken: this.#listener.take(message.takes) });
    else this.#listener.message(message);
  }

  #readWatchPipe(pipe: Readable | null | undefined): void {
    if (!pipe) return;
    let text = '';
    pipe.setEncoding('utf8');
    pipe.on('error', () => undefined);
    pipe.on('data', (piece: string) => {
      const lines = piece.split('\n');
      lines[0] = text + lines[0]!;
      text = (lines.pop() ?? '').slice(0, LINE_CHARACTERS);
      for (const line of lines) ignoreErrors(() => this.#listener.message(JSON.parse(line)));
    });
  }
}
