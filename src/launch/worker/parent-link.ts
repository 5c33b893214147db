/**
 * The worker's view of its parent. The parent's view of a worker is `WorkerHandle`.
 *
 * Made by the bootstrap before the program's main module runs, and left on the process object under
 * `Symbol.for('portico.worker')`, where `Config.load` finds the configuration and `ProcessLauncher` its role.
 */
import { ConfigurationRefused, describeError } from '../../errors/index.js';
import type { Assignment, Configure, LaunchedService, ToParent, ToWorker } from '../assignment.js';
import { STATUS_FAILED, statusOf } from '../exit-status.js';
import { within } from '../waiting.js';
import { fittingMessage } from './fitting-message.js';
import { ParentBuckets } from './parent-buckets.js';

/** Where a worker's process object holds its link. */
export const WORKER_LINK = Symbol.for('portico.worker');

/** The part of `process` a worker talks to its parent through. */
export interface Channel {
  readonly connected: boolean;
  send?(message: ToParent, done: (error: Error | null) => void): unknown;
  on(event: string, listener: (message: ToWorker, socket?: unknown) => void): unknown;
  exit(status: number): never;
}

/** After these an end of the process is explained. */
const SETTLING: ReadonlySet<ToParent['kind']> = new Set(['ready', 'failed', 'ended']);

/** What to do about an application that ends its process. */
const NO_EXIT = 'A module must not end the process that imports it: throw an error instead.';

/** Sockets that were sent: libuv's handles. */
const HELD: unknown[] = [];

/** A message of one kind. */
type Message<K extends ToWorker['kind']> = Extract<ToWorker, { kind: K }>;

export class ParentLink {
  readonly assignment: Assignment;
  /** What the configuration of the parent made of itself: for `Config.load`. */
  configuration: unknown;
  settings: Configure['settings'];
  readonly sockets: Configure['sockets'];
  /** Where a warning of the link goes. */
  warn: (text: string) => void = (text) => process.emitWarning(text);
  /** Called behind each sign of life. */
  onBeat: () => void = () => undefined;
  /** The token buckets that all workers of the service share; for `sharedBuckets()`. */
  readonly buckets = new ParentBuckets((message) => void this.send(message));
  /** This worker checks a reload before it starts anything. */
  readonly rehearse: boolean;
  readonly #channel: Channel;
  readonly #handlers = new Map<string, (message: never) => void>();
  readonly #early: ToWorker[] = [];
  #received: unknown[] = [];
  #uncaught: (error: unknown) => void = (error) => void this.fail(error);
  #gone: () => void;
  #releaseSignals: () => void;
  #failing = false;
  #warned = false;
  /** The parent knows how the start came out, or that this worker ends. */
  #settled = false;
  readonly #collectors: (() => Readonly<Record<string, unknown>>)[] = [];

  constructor(assignment: Assignment, first: Configure, given: { channel: Channel; releaseSignals: () => void }) {
    this.assignment = assignment;
    this.configuration = first.configuration;
    this.settings = first.settings;
    this.sockets = first.sockets;
    this.rehearse = first.rehearse === true;
    this.#channel = given.channel;
    this.#releaseSignals = given.releaseSignals;
    this.#gone = () => this.#channel.exit(1);
    this.#channel.on('message', (message, socket) => {
      if (message.kind === 'socket') this.#received.push(socket);
      else if (message.kind === 'taken') this.buckets.answered(message.taken);
      else this.#receive(message);
    });
    this.#channel.on('disconnect', () => this.#gone());
  }

  /** Calls `handler` for messages of one kind; those that came before are handed over at once. */
  on<K extends ToWorker['kind']>(kind: K, handler: (message: Message<K>) => void): void {
    this.#handlers.set(kind, handler as (message: never) => void);
    for (const message of this.#early.splice(0)) this.#receive(message);
  }

  /** The descriptors of the sockets that came since this was asked. The channel's own objects for them stay: they would close them. */
  takeSockets(): number[] {
    const sockets = this.#received;
    this.#received = [];
    HELD.push(...sockets);
    return sockets.flatMap((socket) => (socket as { fd?: number } | undefined)?.fd ?? []);
  }

  /** From now on the loss of the parent is `gone`'s affair; until then the process just ends, with 1. */
  onGone(gone: () => void): void {
    this.#gone = gone;
    if (!this.#channel.connected) gone();
  }

  /** From now on unhandled errors go to `handler`; until then they end the process and are reported. */
  onUncaught(handler: (error: unknown) => void): void {
    this.#uncaught = handler;
  }

  /** Called by the bootstrap for an unhandled error. */
  uncaught(error: unknown): void {
    this.#uncaught(error);
  }

  /** The launcher listens to the signals now: the bootstrap removes its own listeners. */
  releaseSignals(): void {
    this.#releaseSignals();
    this.#releaseSignals = () => undefined;
  }

  send(message: ToParent): Promise<void> {
    if (SETTLING.has(message.kind)) this.#settled = true;
    return new Promise((resolve) => {
      if (!this.#channel.connected || this.#channel.send === undefined) {
        resolve();
        return;
      }
      try {
        // Told only whether it left; a parent that is gone is noticed by `disconnect`.
        this.#channel.send(
          fittingMessage(message, (text) => this.#warnOnce(text)),
          () => resolve(),
        );
      } catch {
        resolve();
      }
    });
  }

  /** Adds what `collect` gives to every sign of life. */
  addFacts(collect: () => Readonly<Record<string, unknown>>): void {
    this.#collectors.push(collect);
  }

  /** What goes with a sign of life. */
  facts(): Record<string, unknown> {
    return Object.assign({}, ...this.#collectors.map((collect) => collect())) as Record<string, unknown>;
  }

  ready(): void {
    void this.send({ kind: 'ready' });
  }

  launched(services: readonly LaunchedService[]): void {
    void this.send({ kind: 'launched', services });
  }

  /** Tells the parent why this worker cannot do its work, and ends the process. */
  async fail(error: unknown): Promise<void> {
    if (this.#failing) return;
    this.#failing = true;
    await this.explain(error);
    this.#channel.exit(statusOf(error));
  }

  /** Tells the parent why this worker is going to end. */
  async explain(error: unknown): Promise<void> {
    const status = statusOf(error);
    const code = (error as { code?: unknown } | null | undefined)?.code;
    const diagnostics = error instanceof ConfigurationRefused ? error.diagnostics : undefined;
    const failure = {
      text: describeError(error),
      code: typeof code === 'string' ? code : undefined,
      status,
      diagnostics,
    };
    await within(1000, this.send({ kind: 'failed', ...failure }));
  }

  /** The process exits by a call at `place` and never served: the application, most likely, as it was loaded. */
  exits(place: string | undefined): void {
    if (this.#settled || place === undefined) return;
    const { service, index } = this.assignment;
    const text = `worker ${index} of service ${service} was ended before it was ready: ${place}: process.exit()\n  ${NO_EXIT}`;
    // In the channel when `send` returns: a pipe that is not full takes it at once.
    void this.send({ kind: 'failed', text, code: undefined, status: STATUS_FAILED });
  }

  #warnOnce(text: string): void {
    if (this.#warned) return;
    this.#warned = true;
    this.warn(text);
  }

  #receive(message: ToWorker): void {
    const handler = this.#handlers.get(message.kind);
    if (handler === undefined) this.#early.push(message);
    else handler(message as never);
  }
}

/** True in a worker: the program's main module runs there once more, for one of the services it launches. */
export function isWorker(): boolean {
  return parentLink(process) !== undefined;
}

/** True in the spare child of a reload, whose run of the program finds what is wrong with the new configuration. */
export function isRehearsal(): boolean {
  return parentLink(process)?.rehearse === true;
}

/** The link of this process, when it is a worker. */
export function parentLink(host: object): ParentLink | undefined {
  return (host as { [WORKER_LINK]?: ParentLink })[WORKER_LINK];
}
