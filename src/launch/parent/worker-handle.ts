/**
 * The parent's view of one worker process. The worker's view of its parent is `ParentLink`.
 */

import type { ChildProcess, SendHandle } from 'node:child_process';
import { type Diagnostic, errorText } from '../../errors/index.js';
import type { StopReason } from '../../service/index.js';
import { type Deferred, deferred, within } from '../../tasks/internal.js';
import type { Assignment, Configure, ToWorker } from '../assignment.js';
import { startError, type WorkerExit } from '../exit-status.js';
import type { Answer } from '../questions.js';
import type { SlotSockets } from '../sockets/listen-sockets.js';
import type { HeldRequest, Mutated, WorkerFailure } from '../worker-message.js';
import { type Told, WorkerChannel, type WorkerListener } from './worker-channel.js';
import type { FleetGeneration } from './worker-process.js';

/** Two signs of life are missing. */
const SILENT_MS = 2500;
/** A request is told once it is so old. */
const TOLD_AFTER_MS = 250;
/** After a worker's exit: how long its last words may still be on their way. */
const LAST_WORDS_MS = 100;
/** After the end of its channel: how long a worker may take to end. */
const SPEECHLESS_MS = 1000;

const NO_SOCKETS: SlotSockets = { sockets: [], slots: 1 };

export class WorkerHandle {
  readonly assignment: Assignment;
  readonly pid: number | undefined;
  readonly startedAt = performance.now();
  readonly #ready = deferred();
  /** Settles when the worker serves. Rejects with the reason when it ends before. */
  readonly ready = this.#ready.promise;
  readonly #built = deferred<readonly Diagnostic[]>();
  /** Of a child that only builds: settles with what it found; rejects as `ready` does. */
  readonly built = this.#built.promise;
  /** It was ended before it served: it is not needed. */
  dismissed = false;
  readonly #drained = deferred();
  /** Settles when it accepts no new connections any more, or has ended. */
  readonly drained = this.#drained.promise;
  readonly #exited = deferred<WorkerExit>();
  /** Settles when the process is gone. */
  readonly exited = this.#exited.promise;
  /** How many sockets an address had when it began: 1 when all workers share it. */
  readonly slots: number;
  /** Serves, or served. */
  wasReady = false;
  /** When it began to, on the monotonic clock. */
  readyAt = 0;
  /** The status it was about to exit with, once it had ended all there was to end. */
  endedWith: number | undefined;
  /** It has cut work off, whatever its status. */
  cutOff = false;
  /** It is to be replaced by another: it has asked for that, does not answer, or needs too much memory. */
  worn: 'recycle' | 'memory' | undefined;
  /** Resident memory once it was ready: a fresh one would need no less. */
  freshRss: number | undefined;
  /** Files that the first worker of its configuration has loaded with another text. */
  otherCode: readonly string[] = [];
  /** It was told to end: its slot is for others. */
  toldToEnd = false;
  /** It was killed because it gave no sign of life. */
  hung = false;
  /** It was killed by its supervisor. */
  killed = false;
  /** Sections that it does not read; undefined before it is ready, for another than the first worker, and for one that may read any. */
  unknownSections: readonly Diagnostic[] | undefined;
  /** Why it ended before it served. */
  startError: Error | undefined;
  /** Seconds without a sign of life, as its supervisor counts them. */
  silentSeconds = 0;
  /** A debugger is attached: silence means nothing. */
  debugged = false;
  /** Facts of its last sign of life. */
  facts: Readonly<Record<string, unknown>> = {};
  /** When that was, on the monotonic clock. */
  lastBeatAt = performance.now();
  /** Stack that the main thread is stuck in, innermost first, with the frames of libraries folded. */
  stack: readonly string[] | undefined;
  /** How many requests it has in hand, as its watch thread has told. */
  heldCount = 0;
  /** The resident memory in bytes, as it or its watch thread told it last. */
  rss: number | undefined;
  /** Those that have been there for a while, by slot. */
  readonly #held = new Map<number, { readonly head: string; readonly since: number }>();
  readonly #workersAsked = deferred<number>();
  /** Settles once its program waits, with how many workers of the service it asked for. */
  readonly workersAsked = this.#workersAsked.promise;
  readonly #listener: WorkerListener;
  readonly #child: ChildProcess;
  readonly #channel: WorkerChannel;
  readonly #answers = new Map<number, Deferred<unknown>>();
  #gone = false;
  #lastId = 0;
  #drainsFor: StopReason | undefined;
  #failure: WorkerFailure | undefined;

  constructor(child: ChildProcess, first: Configure, { sockets, slots } = NO_SOCKETS, listener: WorkerListener = {}) {
    this.#child = child;
    this.#listener = listener;
    this.assignment = first.assignment;
    this.pid = child.pid;
    this.slots = slots;
    this.#channel = new WorkerChannel(child, {
      message: (message) => this.#receive(message),
      take: (takes) => listener.take?.(takes) ?? [],
      foreign: (what) => listener.foreign?.(what),
    });
    child.on('error', (error) => this.#couldNotSpawn(error));
    child.once('exit', (code, signal) => void this.#end(code, signal));
    child.once('disconnect', () => void this.#silenced());
    this.#channel.send(first);
    for (const socket of sockets) this.#channel.send({ kind: 'socket' }, socket);
  }

  /** It was told to end, or was killed, or has ended. */
  get stopping(): boolean {
    return this.toldToEnd || this.killed || this.#gone;
  }

  /** Requests that have been in hand for a quarter of a second or longer, the oldest first. Known of one that is stuck or gone too. */
  get heldRequests(): HeldRequest[] {
    const now = performance.now();
    const all = [...this.#held.values()].map(({ head, since }) => {
      const [method = '', path = ''] = head.split(' ', 2);
      return { method, path, ageMs: Math.round(now - since) };
    });
    return all.sort((a, b) => b.ageMs - a.ageMs);
  }

  /** It has sent no heartbeat for so long that it counts as stuck. */
  get silent(): boolean {
    return !this.debugged && performance.now() - this.lastBeatAt > SILENT_MS;
  }

  /** Alive, ready, and not on its way out. */
  get serving(): boolean {
    return this.wasReady && !this.stopping;
  }

  /**
   * Asks it to drain and end: over the channel, with the reason and the time it has. A worker draining as `replaced` closes idle
   * connections soon when it hears another reason.
   */
  drain(reason: StopReason, timeoutMs: number): void {
    this.toldToEnd = true;
    if (this.#drainsFor === reason || this.#drainsFor === 'stop') return;
    this.#drainsFor = reason;
    this.#channel.send({ kind: 'drain', reason, timeoutMs });
  }

  /** SIGTERM: it stops gracefully, within the deadline it knows. */
  terminate(): void {
    this.toldToEnd = true;
    this.#child.kill('SIGTERM');
  }

  /** SIGKILL. */
  kill(): void {
    this.killed = true;
    this.#child.kill('SIGKILL');
  }

  /** Gives it new values; undefined when it did not answer in time. */
  async mutate(next: FleetGeneration, timeoutMs: number): Promise<Mutated | undefined> {
    const { settings, configuration } = next;
    const asked = this.#request((id) => ({ kind: 'mutate', id, configuration: configuration(), settings }));
    return await within(asked.answer as Promise<Mutated>, timeoutMs).finally(asked.forget);
  }

  /** Asks what another part of the application answers in the worker. */
  async ask(topic: string, body: unknown, timeoutMs: number): Promise<Answer> {
    const { service, index: workerId } = this.assignment;
    const from = { service, workerId, pid: this.pid };
    const asked = this.#request((id) => ({ kind: 'ask', id, topic, body }));
    const answered = asked.answer.then(
      (answer) => ({ ...from, body: answer }),
      (error: unknown) => ({ ...from, error: errorText(error) }),
    );
    const late = (): Answer => ({ ...from, error: `no answer within ${timeoutMs} ms` });
    return within(answered, timeoutMs, late).finally(asked.forget);
  }

  /** Tells it to listen on these sockets of another slot as well. */
  helpSlot(slot: number, sockets: readonly SendHandle[]): void {
    for (const socket of sockets) this.#channel.send({ kind: 'socket' }, socket);
    this.#channel.send({ kind: 'adopt', slot });
  }

  /** Tells it to listen there no longer. */
  leaveSlot(slot: number): void {
    this.#channel.send({ kind: 'release', slot });
  }

  /** Tells it to open its log file anew. */
  reopenLog(): void {
    this.#channel.send({ kind: 'reopen' });
  }

  #request(make: (id: number) => ToWorker): { readonly answer: Promise<unknown>; readonly forget: () => void } {
    const id = ++this.#lastId;
    const answer = deferred<unknown>();
    this.#answers.set(id, answer);
    this.#channel.send(make(id));
    return { answer: answer.promise, forget: () => this.#answers.delete(id) };
  }

  #receive(message: Told): void {
    switch (message.kind) {
      case 'ready':
        this.wasReady = true;
        this.readyAt = performance.now();
        this.freshRss = message.rss;
        this.unknownSections = message.unknown;
        // It may have taken connections before it heard that it is not needed.
        this.dismissed = false;
        this.#ready.resolve();
        break;
      case 'code':
        this.#listener.loaded?.(message.files);
        break;
      case 'read':
        this.#listener.read?.(message.files);
        break;
      case 'built':
        this.#built.resolve(message.diagnostics);
        break;
      case 'failed':
        this.#failure = message;
        break;
      case 'launched':
        this.#workersAsked.resolve(message.workers);
        break;
      case 'draining':
        this.#drained.resolve();
        break;
      case 'ended':
        this.endedWith = message.status;
        this.cutOff = message.cutOff;
        break;
      case 'beat':
        this.silentSeconds = 0;
        this.lastBeatAt = performance.now();
        this.stack = undefined;
        this.debugged = message.debugged;
        this.facts = message.facts;
        this.rss = typeof message.facts.rss === 'number' ? message.facts.rss : this.rss;
        this.#listener.beat?.();
        break;
      case 'counted':
        this.#listener.counted?.(message);
        break;
      case 'replace':
        this.#listener.replace?.(message.reason);
        break;
      case 'stuck':
        this.stack = message.stack;
        break;
      case 'inHand':
        this.#note(message);
        break;
      case 'answer':
        this.#answered(message);
        break;
    }
  }

  #note({ came, left, count, rss }: Extract<Told, { kind: 'inHand' }>): void {
    for (const slot of left) this.#held.delete(slot);
    const since = performance.now() - TOLD_AFTER_MS;
    for (const [slot, head] of came) this.#held.set(slot, { head, since });
    this.heldCount = count;
    this.rss = rss ?? this.rss;
  }

  /** One that comes after its time is up has no question any more. */
  #answered({ id, body, error }: Extract<Told, { kind: 'answer' }>): void {
    const answer = this.#answers.get(id);
    if (error === undefined) answer?.resolve(body);
    else answer?.reject(new Error(error));
  }

  /** Without its channel a worker ends. One that does not cannot be told anything. */
  async #silenced(): Promise<void> {
    if ((await within(this.exited, SPEECHLESS_MS)) !== undefined || this.stopping) return;
    this.kill();
    this.#listener.fault?.('it closed its channel');
  }

  #couldNotSpawn(error: Error): void {
    if (this.pid !== undefined) return;
    this.#failure = { text: error.message, code: (error as NodeJS.ErrnoException).code, status: 1 };
    void this.#end(null, null);
  }

  async #end(code: number | null, signal: NodeJS.Signals | null): Promise<void> {
    const uptimeMs = performance.now() - this.startedAt;
    // Its last messages may still be in the channel: "close" comes when they were read.
    const closed = new Promise<void>((resolve) => {
      this.#child.once('close', () => resolve());
    });
    if (this.pid !== undefined) await within(closed, LAST_WORDS_MS);
    this.#gone = true;
    const exit = { code, signal, uptimeMs, failure: this.#failure };
    if (!this.wasReady) {
      this.startError = startError(this, exit);
      this.#ready.reject(this.startError);
      this.#built.reject(this.startError);
    }
    this.#drained.resolve();
    for (const answer of this.#answers.values()) answer.reject(new Error('the worker ended'));
    this.#exited.resolve(exit);
  }
}
