/**
 * The worker's view of its parent. The parent's view of a worker is `WorkerHandle`.
 *
 * The bootstrap creates it before the application's main module runs, and stores it on the process object under
 * `Symbol.for('portico.worker')`, where `Config.load` finds the configuration and `ProcessLauncher` its role.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { ConfigurationRefused, type Diagnostic, errorText, PorticoError } from '../../errors/index.js';
import { createLogger, type Logger } from '../../log/index.js';
import type { HeldRequest } from '../../operating/index.js';
import { enterBy, exitLocation, watchLoading } from '../../process/index.js';
import type { ListenSocket } from '../../service/index.js';
import type { KeptValues } from '../../service/internal.js';
import { deferred, within } from '../../tasks/internal.js';
import { failureOf, STATUS_FAILED } from '../exit-status.js';
import { OTHER_VERSION, otherParent, PROTOCOL, type Spoken } from '../protocol.js';
import { ParentBuckets } from '../shared-buckets.js';
import type { Assignment, Configure, Sent, ToParent, ToWorker } from '../worker-message.js';
import type { LoopFacts } from './loop-facts.js';
import { startWatching, type Watch } from './watch.js';

/** Key of the link on a worker's process object. */
const WORKER_LINK = Symbol.for('portico.worker');

/** The part of `process` that a worker uses to reach its parent. */
interface Channel {
  readonly connected: boolean;
  send?(message: Sent, done: (error: Error | null) => void): unknown;
  on(event: string, listener: (message: ToWorker, socket?: unknown) => void): unknown;
  exit(status: number): never;
}

/** Requests of the parent that a worker's launcher carries out. */
export interface LinkListener {
  /** Called with a message of the parent. */
  message(message: ToWorker): void;
  /** Called when the parent is gone. */
  gone(): void;
  /** Called for an unhandled error. */
  uncaught(error: unknown): void;
  /** Returns the facts of a heartbeat. */
  facts(): Readonly<Record<string, unknown>>;
  /** Returns the requests in progress. */
  requests(): readonly HeldRequest[];
  /** Called after a heartbeat. */
  beat(): void;
}

/** Time to send the reason of an end, in milliseconds: a list of thousands of errors takes a busy machine more than a second. */
const EXPLAINED_MS = 10_000;

/** Messages that explain the end of the process. */
const SETTLING: ReadonlySet<ToParent['kind']> = new Set(['failed', 'ended']);

/** Remedy for an application that ends its process. */
const NO_EXIT = 'A module must not end the process that imports it: throw an error instead.';
const NO_EXIT_SERVING = 'A service ends with an unhandled error: throw one instead.';
/** Code of a process that its application has ended. */
export const EXIT = 'process.exit';

/** Received sockets: libuv's handles. */
const HELD: unknown[] = [];

/**
 * Waits for the parent's first message, calls `meanwhile` if it has not arrived yet, and stores a {@link ParentLink} on
 * the process. Returns the listener of "exit" that tells the parent of an end that was not reported before.
 */
export async function beginWork(releaseSignals: () => void, meanwhile: () => Promise<unknown>): Promise<() => void> {
  const begun = firstMessages();
  if ((await Promise.race([begun, nextTurn(undefined)])) === undefined) await meanwhile();
  const { first, sockets, later } = await begun;
  const { assignment } = first;
  enterBy(first.link);
  if (first.arguments !== undefined) process.argv.splice(2, Number.POSITIVE_INFINITY, ...first.arguments);
  // The channel alone must not keep a worker alive whose application ended without a launch.
  process.channel?.unref();
  const link = new ParentLink(first, sockets, releaseSignals);
  for (const message of later()) link.hear(message);
  Object.defineProperty(process, WORKER_LINK, { value: link, configurable: true });
  process.on('uncaughtException', (error) => link.uncaught(error));
  process.on(
    'beforeExit',
    () => void link.fail(link.builds ? unbuilt(link.loading()) : notLaunched(assignment.service, [])),
  );
  link.watch = startWatching({
    supervised: true,
    settings: () => link.settings,
    atOnce: first.watchesStart === true,
    told: (...told) => link.beat(...told),
    awake: () => void link.send({ kind: 'awake' }),
  });
  const unexplained = (): void => link.exits(exitLocation());
  process.on('exit', unexplained);
  return unexplained;
}

interface Beginning {
  readonly first: Configure;
  /** One for each address, without those that a stop of the parent has closed. */
  readonly sockets: readonly ListenSocket[];
  /** Ends listening, and returns what has come since: a value of the worker that this one replaces. */
  later(): ToWorker[];
}

/** Waits for the first message and its sockets. */
function firstMessages(): Promise<Beginning> {
  return new Promise((resolve) => {
    const gone = (): never => process.exit(1);
    let first: Configure | undefined;
    const received: unknown[] = [];
    const since: ToWorker[] = [];
    const hear = (message: unknown, socket: unknown): void => {
      if (first !== undefined && received.length === first.addresses.length) {
        since.push(message as ToWorker);
        return;
      }
      if (first !== undefined) received.push(socket);
      else if ((message as Configure).protocol === PROTOCOL) first = message as Configure;
      else {
        process.off('message', hear);
        void leave(message as Spoken);
        return;
      }
      if (received.length < first.addresses.length) return;
      process.off('disconnect', gone);
      resolve({
        first,
        later: () => {
          process.off('message', hear);
          return since;
        },
        sockets: first.addresses.flatMap((address, at) => descriptorsOf([received[at]]).map((fd) => ({ address, fd }))),
      });
    };
    if (!process.connected) gone();
    process.once('disconnect', gone);
    process.on('message', hear);
  });
}

/** Ends a worker of another Portico: nothing else of what its parent sends is read. */
async function leave(parent: Spoken): Promise<never> {
  const { ownVersion } = await import('../../modules/index.js');
  const text = otherParent(parent, ownVersion());
  const failed: Sent = { portico: true, kind: 'failed', text, code: OTHER_VERSION, status: STATUS_FAILED };
  // A message this short is in the channel when `send` returns.
  process.send?.(failed);
  process.exit(STATUS_FAILED);
}

/**
 * Returns the descriptors of received sockets. The channel's own objects for them must stay referenced: they would
 * close them.
 */
function descriptorsOf(sockets: readonly unknown[]): number[] {
  HELD.push(...sockets);
  return sockets.flatMap((socket) => (socket as { fd?: number } | undefined)?.fd ?? []);
}

export class ParentLink {
  /** A build has that of its service meanwhile (`buildAsWorker`). */
  assignment: Assignment;
  /** Snapshot of the parent's configuration, for `Config.load`. */
  configuration: unknown;
  settings: Configure['settings'];
  /** The level of the log that a command had set when this worker was started. */
  readonly logLevel: Configure['logLevel'];
  #sockets: readonly ListenSocket[];
  /** Token buckets that all workers of the service share, for `sharedBuckets()`. */
  readonly buckets = new ParentBuckets((message) => void this.send(message));
  /** Values that all workers of the service share, for `keptByParent()`. */
  readonly kept: KeptValues;
  readonly #values = new Map<string, unknown>();
  /** True if this process is no worker: it builds all services, and starts none. */
  readonly builds: boolean;
  /** Settles when this worker may serve, after its build. */
  readonly mayServe = deferred();
  /** True if it waits for that. */
  readonly holds: boolean;
  /** True if it validates the configuration. */
  readonly validates: boolean;
  /** Watch of this process, from its first heartbeat on. */
  watch: Watch | undefined;
  /** The module or factory that is being loaded. */
  readonly loading = watchLoading();
  readonly #channel = process as unknown as Channel;
  /** Process id of the parent; that of an orphan is another one. */
  readonly #parent = process.ppid;
  readonly #releaseSignals: () => void;
  #listener: LinkListener | undefined;
  /** Messages of the parent that arrived before there was a launcher. */
  readonly #early: ToWorker[] = [];
  #failing = false;
  /** True if the parent knows how this process ends. */
  #settled = false;
  #served = false;

  constructor(first: Configure, sockets: readonly ListenSocket[], releaseSignals: () => void) {
    this.assignment = first.assignment;
    this.configuration = first.configuration;
    this.settings = first.settings;
    this.logLevel = first.logLevel;
    this.#sockets = sockets;
    this.builds = first.builds === true;
    this.holds = first.holds === true;
    this.validates = first.validates === true;
    this.#releaseSignals = releaseSignals;
    for (const { key, value } of first.kept ?? []) this.#values.set(key, value);
    this.kept = {
      get: (key) => this.#values.get(key),
      set: (key, value) => {
        this.#values.set(key, value);
        void this.send({ kind: 'keep', key, value });
      },
    };
    this.#channel.on('message', (message) => this.hear(message));
    this.#channel.on('disconnect', () => {
      if (this.#listener !== undefined) return this.#listener.gone();
      // Before there is a launcher, the process ends at once. A child that only builds says nothing.
      if (!this.builds) this.logOrphaned(createLogger());
      return this.#channel.exit(1);
    });
  }

  /** Handles a message of the parent. */
  hear(message: ToWorker): void {
    this.watch?.wake();
    if (message.kind === 'taken') this.buckets.answered(message.taken);
    else if (message.kind === 'kept') this.#values.set(message.key, message.value);
    else if (message.kind === 'serve') this.mayServe.resolve();
    else if (this.#listener === undefined) this.#early.push(message);
    else this.#listener.message(message);
  }

  /** From now on the launcher handles the signals and all messages, including earlier ones. */
  attach(listener: LinkListener): void {
    this.#listener = listener;
    this.#releaseSignals();
    if (!this.#channel.connected) listener.gone();
    for (const message of this.#early.splice(0)) listener.message(message);
  }

  /** Returns its sockets, one for each address, which then belong to the caller. */
  takeSockets(): readonly ListenSocket[] {
    const sockets = this.#sockets;
    this.#sockets = [];
    return sockets;
  }

  /** Passes an unhandled error to the launcher; without one, reports it and ends the process. */
  uncaught(error: unknown): void {
    if (this.#listener === undefined) void this.fail(error);
    else this.#listener.uncaught(error);
  }

  send(message: ToParent): Promise<void> {
    if (SETTLING.has(message.kind) || (message.kind === 'built' && this.builds)) this.#settled = true;
    if (message.kind === 'ready') {
      this.#served = true;
      this.watch?.serves();
    }
    return new Promise((resolve) => {
      if (!this.#channel.connected || this.#channel.send === undefined) {
        resolve();
        return;
      }
      try {
        // The callback only shows whether it was sent; `disconnect` reports a parent that is gone.
        this.#channel.send({ ...message, portico: true }, () => resolve());
      } catch (error) {
        // A body of an application that cannot be cloned.
        const isAnswer = message.kind === 'answer' && message.error === undefined;
        const why = `its response cannot be sent: ${errorText(error)}`;
        resolve(isAnswer ? this.send({ kind: 'answer', id: message.id, error: why }) : undefined);
      }
    });
  }

  /** Sends a heartbeat. */
  beat(debugged: boolean, loop: LoopFacts, nextMs: number): void {
    const loading = this.loading();
    const known = { ...loop, ...(loading === undefined ? {} : { loading }), ...this.#listener?.facts() };
    void this.send({ kind: 'beat', debugged, facts: known, nextMs });
    this.#listener?.beat();
  }

  /** Logs that the parent is gone. */
  logOrphaned(log: Logger): void {
    const { service, index: workerId } = this.assignment;
    const facts = { event: 'parent_died', service, workerId, parent: this.#parent };
    log.error(facts, `Parent process ${this.#parent} has died unexpectedly, exiting`);
  }

  /** Tells the parent why this worker cannot serve, and ends the process. */
  async fail(error: unknown): Promise<void> {
    if (this.#failing) return;
    this.#failing = true;
    this.#channel.exit(await this.explain(error));
  }

  /** Tells the parent the findings of a child that only builds, and ends the process. */
  async tellBuilt(diagnostics: readonly Diagnostic[]): Promise<void> {
    await within(this.send({ kind: 'built', diagnostics }), EXPLAINED_MS);
    this.#channel.exit(0);
  }

  /** Tells the parent why this worker is about to end. Returns its exit status. */
  async explain(error: unknown): Promise<number> {
    const failure = failureOf(error);
    await within(this.send({ kind: 'failed', ...failure }), EXPLAINED_MS);
    return failure.status;
  }

  /** Reports an exit, which the application called at `place`, and its requests in progress. */
  exits(place: string | undefined): void {
    if (this.#settled) return;
    const requests = this.#listener?.requests();
    // In the channel when `send` returns: a pipe that is not full accepts it at once.
    if (requests !== undefined) void this.send({ kind: 'leaves', requests });
    if (place === undefined) return;
    const { service, index } = this.assignment;
    const who = this.builds ? 'the child that builds the services' : `worker ${index} of service ${service}`;
    const before = this.#served ? '' : ' before it was ready';
    const text = `${who} exited${before}: ${place}: process.exit()\n  ${this.#served ? NO_EXIT_SERVING : NO_EXIT}`;
    void this.send({ kind: 'failed', text, code: this.#served ? EXIT : undefined, status: STATUS_FAILED });
  }
}

/** Code of {@link notLaunched}. */
export const NOT_LAUNCHED = 'PORTICO_SERVICE_NOT_LAUNCHED';

/** Error of a worker whose application did not launch the assigned service: the configuration has changed meanwhile. */
export function notLaunched(service: string, launched: readonly string[]): PorticoError {
  const names = launched.map((name) => `"${name}"`).join(', ');
  return new ConfigurationRefused(NOT_LAUNCHED, {
    message: `in this worker, the application launched no service called "${service}"`,
    hint: names === '' ? 'It launched no services.' : `It launched ${names}. Names must be the same in every process.`,
  });
}

function unbuilt(loading = 'something it waits for'): PorticoError {
  return new PorticoError('PORTICO_WORKER_FAILED', {
    message: `the child that builds the services did not finish: ${loading} never settles`,
    hint: 'Does a module have a top-level await, or a factory return a promise, that never resolves?',
  });
}

/** Reports whether this process is a worker: it runs the application's main module once more, for one of its services. */
export function isWorker(): boolean {
  return parentLink(process) !== undefined;
}

/**
 * Reports whether this process is a child that only builds: `check` and reloads use it to find the errors of a
 * configuration.
 */
export function isBuild(): boolean {
  return parentLink(process)?.builds === true;
}

/** Tells the parent the findings of such a child, and ends the process. */
export async function tellBuilt(diagnostics: readonly Diagnostic[]): Promise<void> {
  await parentLink(process)?.tellBuilt(diagnostics);
}

/** Returns the link of this process, if it is a worker. */
export function parentLink(host: object): ParentLink | undefined {
  return (host as { [WORKER_LINK]?: ParentLink })[WORKER_LINK];
}
