/**
 * The parent's end of what it shares with one worker: the channel and the watch thread's pipe. What comes through either
 * is bounded and checked; the first thing that no worker would send is told as a fault, and nothing is read after it. What
 * others send there, as loaders, agents and applications do by `process.send`, is told once and ignored.
 */
import type { ChildProcess, SendHandle } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { TakenOf, ToWorker } from '../assignment.js';
import { readMessage, type Take, type ToParent } from '../worker-message.js';

/** What a worker says that is no question. */
export type Told = Exclude<ToParent, { kind: 'take' }>;

/** Who is told what a worker said. */
export interface ChannelListener {
  message(message: Told): void;
  /** It needs tokens; gives what came of each. */
  take(takes: readonly Take[]): readonly TakenOf[];
  /** It sent what no worker sends: why. Told once. */
  fault(what: string): void;
  /** It sent a value that is not of this protocol, as by `process.send()`: a description of it. Called once. */
  foreign(what: string): void;
}

/** The largest message; and what a worker may send at once besides its answers. */
const MOST_BYTES = 32 * 1024 * 1024;
/** It may send as much a second for ever. One that does as it should sends some hundred bytes. */
const BYTES_PER_SECOND = 1024 * 1024;
/** What a message costs beside its bytes, and a piece of one at least: a byte that comes alone is kept in an object of its own. */
const MESSAGE_BYTES = 1024;

/** What Node's own end of a channel has: it calls `onread` with what came, and without anything at the end. */
interface Pipe {
  onread: (this: unknown, bytes?: ArrayBuffer) => void;
}

export class WorkerChannel {
  readonly #child: ChildProcess;
  readonly #listener: ChannelListener;
  #faulty = false;
  #foreign = false;
  /** It waits for tokens. */
  #answering = false;
  #credit = MOST_BYTES;
  #countedAt = performance.now();
  /** Of a message that has not come whole. */
  #unread = 0;

  constructor(child: ChildProcess, listener: ChannelListener) {
    this.#child = child;
    this.#listener = listener;
    this.#guardBytes();
    this.#guardNodesOwn();
    child.on('message', (message, handle) => {
      this.#unread = 0;
      this.#spend(MESSAGE_BYTES);
      if (handle !== undefined && handle !== null) this.#refuse('a handle', handle);
      else this.#receive(message);
    });
    this.#readWatchPipe(child.stdio[4] as Readable | null | undefined);
  }

  /** `done`: it has left this process. */
  send(message: ToWorker, socket?: SendHandle, done: () => void = () => undefined): void {
    // A worker that is gone is noticed by its exit.
    if (this.#child.connected) this.#child.send(message, socket, done);
  }

  /** What came last was asked for. */
  wasAsked(): void {
    this.#credit = MOST_BYTES;
  }

  #receive(value: unknown): void {
    if (this.#faulty) return;
    const read = readMessage(value);
    if ('fault' in read) this.#fault(read.fault);
    else if ('foreign' in read) {
      if (!this.#foreign) this.#listener.foreign(read.foreign);
      this.#foreign = true;
    } else if (read.message.kind === 'take') this.#take(read.message.takes);
    else this.#listener.message(read.message);
  }

  /**
   * One question at a time, answered at the end of this turn of the event loop, and over when its answer has left. That is
   * its bound, and it counts as no other message does: a worker that takes tokens for 5000 requests a second asks as often.
   * One that asks without end has its part of each turn, and one that does not read its answers gets no more of them.
   */
  #take(takes: readonly Take[]): void {
    if (this.#answering) {
      this.#fault('a question before the last one was answered');
      return;
    }
    this.#answering = true;
    // What it took is given back, and not more: nothing else comes in its stead.
    this.#credit += MESSAGE_BYTES + Math.max(MESSAGE_BYTES, leastBytes(takes));
    setImmediate(() => {
      this.send({ kind: 'taken', taken: this.#listener.take(takes) }, undefined, () => {
        this.#answering = false;
      });
    });
  }

  #fault(what: string): void {
    if (this.#faulty) return;
    this.#faulty = true;
    this.#listener.fault(what);
  }

  #spend(bytes: number): void {
    const now = performance.now();
    this.#credit += ((now - this.#countedAt) / 1000) * BYTES_PER_SECOND;
    this.#countedAt = now;
    this.#credit = Math.min(MOST_BYTES, this.#credit) - bytes;
    if (this.#credit < 0) this.#fault('more messages than any worker has to say');
  }

  /** For a message that it cannot read Node throws outside of any caller, ending the process; it takes up to 4 GiB. */
  #guardBytes(): void {
    const pipe = pipeOf(this.#child);
    if (pipe === undefined) return;
    const read = pipe.onread;
    const guard = (bytes: ArrayBuffer | undefined, readOn: () => void): void => {
      if (bytes !== undefined) this.#count(Math.max(bytes.byteLength, MESSAGE_BYTES));
      // The end is told all the same.
      if (bytes === undefined || !this.#faulty) this.#attempt(readOn);
    };
    pipe.onread = function (bytes) {
      guard(bytes, () => read.call(this, bytes));
    };
  }

  #count(bytes: number): void {
    this.#unread += bytes;
    this.#spend(bytes);
    if (this.#unread > MOST_BYTES) this.#fault(`a message of more than ${MOST_BYTES} bytes`);
  }

  /** Node's own messages over the channel: the parent only needs to hear what became of a socket that it sent. */
  #guardNodesOwn(): void {
    for (const listener of this.#child.listeners('internalMessage')) {
      this.#child.off('internalMessage', listener as () => void);
      this.#child.on('internalMessage', (message: { cmd?: unknown }, handle: unknown) => {
        if (this.#faulty) return;
        const isOfSocket = message.cmd === 'NODE_HANDLE_ACK' || message.cmd === 'NODE_HANDLE_NACK';
        if (!isOfSocket || handle != null) {
          this.#refuse("a message of Node's own", handle);
          return;
        }
        // Without a socket under way Node throws.
        this.#attempt(() => listener.call(this.#child, message, handle));
      });
    }
  }

  #refuse(what: string, handle: unknown): void {
    (handle as { close?: () => void } | null | undefined)?.close?.();
    this.#fault(what);
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch {
      this.#fault('bytes that are no message');
    }
  }

  #readWatchPipe(pipe: Readable | null | undefined): void {
    if (!pipe) return;
    let text = '';
    pipe.setEncoding('utf8');
    pipe.on('error', () => undefined);
    pipe.on('data', (piece: string) => {
      if (this.#faulty) return;
      this.#spend(piece.length);
      const lines = piece.split('\n');
      lines[0] = text + lines[0]!;
      text = lines.pop() ?? '';
      if (text.length > MOST_BYTES) this.#fault('a line without an end');
      for (const line of lines) this.#attempt(() => this.#receive(JSON.parse(line)));
    });
  }
}

/** What a question has on the channel at least: the texts of its rules and keys, and the numbers of each. */
function leastBytes(takes: readonly Take[]): number {
  let bytes = 0;
  for (const { id } of new Set(takes.map(([rule]) => rule))) bytes += id.length + 64;
  for (const [, key] of takes) bytes += key.length + 8;
  return bytes;
}

/** Undefined for a child without a channel, or where Node keeps it elsewhere: a test on each version finds that. */
function pipeOf(child: ChildProcess): Pipe | undefined {
  const key = Object.getOwnPropertySymbols(child).find(({ description }) => description === 'kChannelHandle');
  const pipe = key === undefined ? undefined : (child as unknown as Record<symbol, Partial<Pipe> | null>)[key];
  return typeof pipe?.onread === 'function' ? (pipe as Pipe) : undefined;
}
