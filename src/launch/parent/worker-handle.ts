/**
 * The parent's view of one worker process. The worker's view of its parent is `ParentLink`.
 */
import type { ChildProcess, SendHandle } from 'node:child_process';
import { type Diagnostic, errorText } from '../../errors/index.js';
import type { Answer, HeldRequest } from '../../operating/index.js';
import { SLOTS } from '../../process/index.js';
import type { StopReason } from '../../service/index.js';
import { type Deferred, deferred, within } from '../../tasks/internal.js';
import { type Fault, startError, type WorkerExit } from '../exit-status.js';
import { StopTerms } from '../services/service-run.js';
import type { Assignment, Configure, Kept, ToWorker, WorkerFailure } from '../worker-message.js';
import type { FleetGeneration } from './fleet-generation.js';
import { WorkerBeat } from './worker-beat.js';
import { type Told, WorkerChannel, type WorkerListener } from './worker-channel.js';
import { spawnFailure } from './worker-process.js';
import { after, isStarting, type WorkerEvent, type WorkerState } from './worker-state.js';

/** Time after a worker's exit in which its last messages may still arrive. */
const LAST_WORDS_MS = 100;
/** Time that a worker has to end after the end of its channel. */
const SPEECHLESS_MS = 1000;

/** A worker at the moment when it first served. */
interface Served {
  /** On the monotonic clock. */
  readonly at: number;
  /** Resident memory in bytes: a fresh worker would need no less. */
  readonly rss: number | undefined;
  /** Number of workers that its application has requested for the service. */
  readonly workers: number | undefined;
}

/** The last report of a worker, about its end. */
interface LastWords {
  readonly status: number;
  /** True if it has cut off requests, whatever its status, and their number at its deadline. */
  readonly cutOff: boolean;
  readonly requests: number;
  /** True if it ends because of a signal. */
  readonly signalled: boolean;
}

export class WorkerHandle {
  readonly assignment: Assignment;
  readonly pid: number | undefined;
  readonly startedAt = performance.now();
  readonly #ready = deferred();
  /** Settles when the worker serves. Rejects with the reason if it ends before. */
  readonly ready = this.#ready.promise;
  readonly #built = deferred<readonly Diagnostic[]>();
  /** Settles with its findings when it has built its service, or as a child all services; rejects as `ready` does. */
  readonly built = this.#built.promise;
  /** The findings of a first worker in its configuration. */
  found: readonly Diagnostic[] = [];
  readonly #drained = deferred();
  /** Settles when it accepts no new connections, or has ended. */
  readonly drained = this.#drained.promise;
  readonly #exited = deferred<WorkerExit>();
  /** Settles when the process is gone. */
  readonly exited = this.#exited.promise;
  /** Facts of the moment when it first served; undefined until then. They stay when the worker leaves. */
  served: Served | undefined;
  /** Its report of its end, after its cleanup; undefined if it has ended without one. */
  said: LastWords | undefined;
  /** Why its parent has killed it: a fault, or the deadline of its end, or because nothing of it is needed. The first reason counts. */
  killedFor: Fault | 'deadline' | 'needless' | undefined;
  /** Reason and deadline of its end. */
  readonly terms = new StopTerms();
  /** Reason to replace it: it requested that, does not respond, or exceeds the memory limit. */
  worn: 'recycle' | 'memory' | undefined;
  /** Time that its start may take; 0: no limit. */
  readonly startTimeoutMs: number;
  /** Time for which it still accepts connections in a stop. */
  readonly drainDelayMs: number;
  /** Seconds of its start, without those in which it is built and waits to serve, as its supervisor counts them. */
  ageSeconds = 0;
  /** Its signs of life. */
  readonly beat = new WorkerBeat();
  #state: WorkerState = 'starting';
  /** True if it was not needed any more before it served. */
  #needless = false;
  /** True if it waits, once it is built, for the request to serve. */
  readonly #holds: boolean;
  readonly #held = new HeldRequests();
  readonly #listener: WorkerListener;
  readonly #child: ChildProcess;
  readonly #channel: WorkerChannel;
  readonly #questions = new Questions();
  #terminated = false;
  #failure: WorkerFailure | undefined;

  /** `sockets`: one for each address; undefined for one that a stop has closed. */
  constructor(
    child: ChildProcess,
    first: Configure,
    sockets: readonly (SendHandle | undefined)[] = [],
    listener: WorkerListener = {},
  ) {
    this.#child = child;
    this.#listener = listener;
    this.assignment = first.assignment;
    this.#holds = first.holds === true;
    this.startTimeoutMs = first.settings.workerStartTimeoutMs;
    this.drainDelayMs = first.settings.drainDelayMs;
    this.pid = child.pid;
    const told = (message: Told): void => this.#receive(message);
    this.#channel = new WorkerChannel(child, listener, { told, broken: (what) => this.#broken(what) });
    child.on('error', (error) => this.#couldNotSpawn(error));
    child.once('exit', (code, signal) => void this.#end(code, signal));
    child.once('disconnect', () => void this.#silenced());
    this.#channel.send(first);
    for (const socket of sockets) this.#channel.send({ kind: 'socket' }, socket);
  }

  get state(): WorkerState {
    return this.#state;
  }

  /** Changes the state. Nothing else does. */
  #move(event: WorkerEvent): void {
    this.#state = after(this.#state, event);
  }

  /** Reports whether it is alive, ready, and not about to end. */
  get serving(): boolean {
    return this.#state === 'serving';
  }

  /** Reports whether it was asked to end, was killed, or has ended. */
  get stopping(): boolean {
    return this.#state !== 'serving' && !isStarting(this.#state);
  }

  /**
   * Reports whether the worker was asked to end before it served, because it is not needed any more. It may have accepted connections
   * before it received that request.
   */
  get dismissed(): boolean {
    return this.#needless && this.served === undefined;
  }

  /** Requests in progress at its last report, oldest first. Also known of a worker that is stuck or gone. */
  get heldRequests(): readonly HeldRequest[] {
    return this.#held.all;
  }

  /** Notes that it is not needed, unless it serves. It is asked to end by {@link terminate}. */
  dismiss(): void {
    this.#needless = true;
  }

  /** Asks it over the channel to drain and end. A later call can only leave less time; returns false if it does not. */
  drain(reason: StopReason, timeoutMs: number, limit?: StopTerms['limit']): boolean {
    this.#move('tell');
    const terms = this.terms.tighten(reason, timeoutMs, limit);
    if (terms !== undefined) this.#channel.send({ kind: 'drain', ...terms });
    return terms !== undefined;
  }

  /** Sends SIGTERM, once: the worker stops gracefully, within the deadline that it knows. */
  terminate(): void {
    this.#move('tell');
    if (!this.#terminated) this.#child.kill('SIGTERM');
    this.#terminated = true;
  }

  /** Sends SIGKILL. */
  kill(reason: NonNullable<WorkerHandle['killedFor']>): void {
    this.killedFor ??= reason;
    this.#move('kill');
    this.#child.kill('SIGKILL');
  }

  /** Sends it a later configuration. Returns whether its services took it; undefined if it did not respond in time. */
  async mutate({ configuration }: FleetGeneration, timeoutMs: number): Promise<boolean | undefined> {
    const asked = this.#request((id) => ({ kind: 'mutate', id, configuration: configuration() }));
    return await within(asked.answer as Promise<boolean>, timeoutMs).finally(asked.forget);
  }

  /** Sends a question to another part of the application in the worker, and returns the response. */
  async ask(topic: string, body: unknown, timeoutMs: number): Promise<Answer> {
    const { service, index: workerId } = this.assignment;
    const from = { service, workerId, pid: this.pid };
    const asked = this.#request((id) => ({ kind: 'ask', id, topic, body }));
    const answered = asked.answer.then(
      (answer) => ({ ...from, body: answer }),
      (error: unknown) => ({ ...from, error: errorText(error) }),
    );
    const late = (): Answer => ({ ...from, error: `no reply within ${timeoutMs} ms` });
    return within(answered, timeoutMs, late).finally(asked.forget);
  }

  /** Tells it to serve, once it is built, or to reopen its log file. */
  tell(kind: 'serve' | 'reopen'): void {
    if (kind === 'serve') this.#move('serve');
    this.#channel.send({ kind });
  }

  /** Tells it a value that another worker of its service has left. */
  tellKept(kept: Kept): void {
    this.#channel.send({ kind: 'kept', ...kept });
  }

  /** A worker that is asked is idle no more. */
  #request(make: (id: number) => ToWorker): Asked {
    if (this.beat.rests) this.#awakes();
    return this.#questions.ask((id) => this.#channel.send(make(id)));
  }

  #receive(message: Told): void {
    switch (message.kind) {
      case 'ready':
        this.served = { at: performance.now(), rss: message.rss, workers: message.workers };
        this.#move('ready');
        this.#built.resolve(this.found);
        this.#ready.resolve();
        break;
      case 'read':
        this.#listener.read?.(message.files);
        break;
      case 'built':
        this.found = message.diagnostics;
        if (this.#holds) this.#move('built');
        this.#built.resolve(message.diagnostics);
        break;
      case 'failed':
        this.#failure = message;
        break;
      case 'draining':
        this.#drained.resolve();
        break;
      case 'ended':
        this.said = {
          status: message.status,
          cutOff: message.cutOff,
          requests: message.cutOffRequests ?? 0,
          signalled: message.signalled === true,
        };
        break;
      case 'beat':
        this.beat.came(message);
        if (!this.beat.rests) this.#listener.awake?.();
        this.#listener.beat?.();
        break;
      case 'awake':
        this.#awakes();
        break;
      case 'counted':
        this.#listener.counted?.(message);
        break;
      case 'giveBack':
        this.#listener.giveBack?.(message.takes);
        break;
      case 'keep':
        this.#listener.keep?.(message);
        break;
      case 'replace':
        this.#listener.replace?.(message.reason);
        break;
      case 'stuck':
        this.beat.stuck(message);
        if (!this.beat.rests) this.#listener.awake?.();
        break;
      case 'inHand':
        this.#held.note(message);
        this.beat.weighs(message.rss);
        break;
      case 'leaves':
        this.#held.leave(message.requests);
        break;
      case 'answer':
        this.#questions.answered(message);
        break;
    }
  }

  /** Called when the worker is idle no more: its heartbeats are due as often as those of others. */
  #awakes(): void {
    this.beat.heard(0);
    this.#listener.awake?.();
  }

  /** A worker without its channel ends. One that does not end cannot receive messages. */
  async #silenced(): Promise<void> {
    if ((await within(this.exited, SPEECHLESS_MS)) !== undefined || this.stopping) return;
    this.#broken('closed its channel');
  }

  #broken(what: string): void {
    this.kill({ reason: 'error', what });
    this.#listener.fault?.(what);
  }

  #couldNotSpawn(error: Error): void {
    if (this.pid !== undefined) return;
    this.#failure = spawnFailure(error);
    void this.#end(null, null);
  }

  async #end(code: number | null, signal: NodeJS.Signals | null): Promise<void> {
    const uptimeMs = performance.now() - this.startedAt;
    // Its last messages may still be in the channel: "close" is emitted after they were read.
    const closed = new Promise<void>((resolve) => {
      this.#child.once('close', () => resolve());
    });
    if (this.pid !== undefined) await within(closed, LAST_WORDS_MS);
    this.#move('exit');
    const ended = { code, signal, uptimeMs, failure: this.#failure };
    const exit = { ...ended, unready: this.served === undefined ? startError(this, ended) : undefined };
    if (exit.unready !== undefined) {
      this.#ready.reject(exit.unready);
      this.#built.reject(exit.unready);
    }
    this.#drained.resolve();
    this.#questions.end();
    this.#exited.resolve(exit);
  }
}

// Requests in progress in one worker, as its parent knows them.

export class HeldRequests {
  /** By slot, as reported by the watch thread. */
  readonly #held = new Map<number, { readonly head: string; readonly since: number }>();
  /** As reported by a worker whose application ended it. */
  #left: readonly HeldRequest[] | undefined;

  /** The requests, oldest first. */
  get all(): readonly HeldRequest[] {
    if (this.#left !== undefined) return this.#left;
    const now = performance.now();
    const all = [...this.#held.values()].map(({ head, since }) => {
      const [method = '', path = ''] = head.split(' ', 2);
      return { method, path, ageMs: Math.round(now - since) };
    });
    return all.sort((a, b) => b.ageMs - a.ageMs);
  }

  note({ came, left }: Extract<Told, { kind: 'inHand' }>): void {
    for (const slot of left) this.#held.delete(slot);
    const since = performance.now();
    for (const [slot, head] of came) if (this.#held.size < SLOTS) this.#held.set(slot, { head, since });
  }

  /** Notes the requests at the end of the worker; an earlier report of the watch thread may still arrive. */
  leave(requests: readonly HeldRequest[]): void {
    this.#left = requests;
  }
}

// Questions of a parent to one worker that wait for its response.

/** A question; its caller calls `forget` after the timeout. */
interface Asked {
  readonly answer: Promise<unknown>;
  readonly forget: () => void;
}

class Questions {
  readonly #answers = new Map<number, Deferred<unknown>>();
  #lastId = 0;

  /** Sends a question with its id. */
  ask(send: (id: number) => void): Asked {
    const id = ++this.#lastId;
    const answer = deferred<unknown>();
    this.#answers.set(id, answer);
    send(id);
    return { answer: answer.promise, forget: () => this.#answers.delete(id) };
  }

  /** A response after the timeout has no question any more. */
  answered({ id, body, error }: Extract<Told, { kind: 'answer' }>): void {
    const answer = this.#answers.get(id);
    if (error === undefined) answer?.resolve(body);
    else answer?.reject(new Error(error));
  }

  /** Called when the worker has ended. */
  end(): void {
    for (const answer of this.#answers.values()) answer.reject(new Error('the worker ended'));
  }
}
