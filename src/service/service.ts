/**
 * The interface of a service, independent of HTTP, RPC, processes and signals.
 */
import type { Config } from '../config/index.js';
import { writeHostPort } from '../config/internal.js';
import { type Diagnostic, type Location, PorticoError } from '../errors/index.js';

/** A value, or a promise of one: the return type of all methods and hooks of a service. */
export type Awaitable<T> = T | PromiseLike<T>;

/** Options of a stop. */
export interface StopOptions {
  /** True: work in flight may end by itself until the deadline. Default false: end it now. */
  readonly graceful?: boolean;
  /** Aborted when there is no time left: end the remaining work at once. */
  readonly signal?: AbortSignal;
  /** Milliseconds from now until the remaining work is cut off; 0 or absent: no limit. */
  readonly deadlineMs?: number;
  /** Default `stop`. */
  readonly reason?: StopReason;
  /**
   * For a `reload`: milliseconds that new requests may wait for the next start. A service that can run beside its next run settles before that,
   * and work in flight goes on until the deadline; others may ignore it. Absent: as long as the stop takes.
   */
  readonly pauseMs?: number;
}

/**
 * The reason for a stop. `stop`: the addresses are released too. `replaced`: another process already serves on the same sockets, so idle
 * connections may stay open until their clients close them. `hurried`: like `replaced`, but another process waits for this one to end.
 * `reload`: the service starts again in this process, so its listening sockets stay open, and new connections wait.
 */
export type StopReason = 'replaced' | 'hurried' | 'reload' | 'stop';

/** The worker process of a service, as its launcher describes it. */
export interface WorkerContext {
  /** 0 to `workers` - 1. A replacement keeps the id of the worker that it replaces. */
  readonly id: number;
  /** Number of workers of the service at the start of this one. */
  readonly workers: number;
  /** Number of the accepted configuration at the start of this worker, from 1. */
  readonly generation: number;
  /** True in a child of a supervisor, which replaces it when it ends; false if the launcher runs the service itself. */
  readonly supervised: boolean;
  /**
   * Asks the supervisor to replace this worker, for limits on requests or memory: the new worker starts and becomes ready, then this one
   * drains. Does nothing without a supervisor, or if called again.
   */
  requestReplacement(reason: string): void;
}

/** A service that a launcher can run. */
export interface ServiceBase {
  /** Unique within one launcher. Default: the class's name. */
  readonly name?: string;
  /** Maximum seconds for a graceful stop of this service, instead of the launcher's. 0: no limit; null: the launcher's. */
  readonly gracefulShutdownTimeout?: number | null;
  /** Called before `start()`, in the same process. */
  useWorker?(worker: WorkerContext): void;
  /**
   * Called when a stop is requested, `drain_delay` before it begins: health checks report the service as not ready, and responses announce
   * the end of their connections.
   */
  markDraining?(): void;
  /** Returns the work in flight, a line each, for the log at the deadline. Empty: only idle connections are left. */
  describeWork?(): readonly string[];
  /**
   * Returns the plan for a configuration, with diagnostics. Launchers compare it with the current plan at a reload. Reads the files and
   * imports no application. A thrown error refuses the reload, like an error among the diagnostics.
   */
  plan?(config: Config): ServicePlan;
  /**
   * Builds the objects that the next `start()` needs, but acquires nothing shared: no address, no registration, no manager hooks.
   * Launchers call it without `next` before the start in the process that validates the configuration; with the new configuration before a
   * reload changes anything in a process that serves. Returns a function that releases the objects, for the case that no start follows. A
   * rejection refuses the reload.
   */
  prepare?(next?: Config): Awaitable<() => Awaitable<void>>;
  /** Acquires resources; settles when ready to serve. If it rejects, it has released everything. */
  start(): Awaitable<void>;
  /** Drains, then releases. Safe to call twice, concurrently, and in any state. */
  stop(options?: StopOptions): Awaitable<void>;
  /** Settles when the service has stopped; rejects if it failed by itself. */
  wait(): Awaitable<void>;
  /**
   * Takes a later configuration: at a reload in one process between `stop()` and `start()`; with `restart_method = mutate` while it serves, and
   * on failure the old one remains in use. The configuration that it was created with never changes. `next` is undefined in an application without
   * a configuration.
   */
  reset(next?: Config): Awaitable<void>;
}

/** Description of a service in a configuration. For an invalid configuration, only the known part. */
export interface ServicePlan {
  /** Pipelines by name, each with its filters in order and its app last. */
  readonly pipelines?: ReadonlyMap<string, readonly string[]>;
  /** The app that serves its requests, as configured: for `GET /pipelines`. */
  readonly app?: PlannedApp | undefined;
  /** Files read with `config.readFile`, in addition to the configuration files. */
  readonly files?: readonly ServiceFile[];
  /** Errors refuse the configuration, warnings are logged. */
  readonly diagnostics?: readonly Diagnostic[];
  readonly certificate?: PlannedCertificate | undefined;
}

/** The certificate of a service. */
export interface PlannedCertificate {
  /** Expiry date, as ISO 8601. */
  readonly ends: string;
  /** Warnings about certificates that have expired or expire soon, or that clients may not trust: its own first, then those of its clients' CAs. */
  readonly warnings: readonly Diagnostic[];
  /** Why clients may not trust it; undefined if nothing is known against it. */
  readonly untrusted?: string | undefined;
}

/** A service as plain data, for the parent of its workers. Only workers create the service itself. */
export interface PlannedService extends ServicePlan {
  readonly kind: 'planned';
  readonly name: string;
  readonly workers: number;
  /** Addresses to bind, in order; empty for a service that does not listen. */
  readonly addresses: readonly ListenAddress[];
  /** Place of the addresses in the configuration. */
  readonly addressPlace?: Location | undefined;
}

/** A service for a launcher: the object, or its plan. */
export type Launchable = ServiceBase | PlannedService;

/** Reports whether a service is a plan. */
export function isPlanned(service: Launchable): service is PlannedService {
  return (service as Partial<PlannedService>).kind === 'planned';
}

/** An app as configured: with filters around it, or with several apps from which it selects. */
export interface PlannedApp {
  readonly name: string;
  /** Filters of a pipeline, outermost first. `pipeline` is the name under which their times are recorded. */
  readonly filters?: readonly string[];
  readonly pipeline?: string;
  /** The app inside the filters. */
  readonly inner?: PlannedApp;
  /** The apps from which it selects, each with its condition, such as the path in a URL map. */
  readonly branches?: readonly { readonly at: string; readonly app: PlannedApp }[];
}

/** A file that a service reads, in its current state. */
export interface ServiceFile {
  /** Absolute path. */
  readonly path: string;
  /** The option with the path, as `group.option`. */
  readonly option: string;
  /** Location of the option's value. Default: the location recorded in the configuration. */
  readonly where?: string;
  /** A short description of the content, such as the validity of a certificate. */
  readonly says?: string | undefined;
  /** True: the content is never shown, and neither is whether two such files are equal. */
  readonly secret?: boolean;
}

/** Address on which a service listens. */
export type ListenAddress =
  | { readonly host: string; readonly port: number; readonly backlog?: number }
  | { readonly path: string; readonly backlog?: number };

/** Formats an address: `127.0.0.1:8774`, `[::1]:8774` or `unix:/run/api.sock`. */
export function formatAddress(address: ListenAddress): string {
  return 'path' in address ? `unix:${address.path}` : writeHostPort(address);
}

/** Reports whether a host stands for all addresses of the machine. */
export function isWildcard(host: string): boolean {
  return ['0.0.0.0', '::', ''].includes(host);
}

/** A bound socket, passed to a service instead of an address. */
export interface ListenSocket {
  /** The file descriptor, bound and not yet listening; `listen({ fd })` takes ownership. */
  readonly fd: number;
  /** The bound address, with the actual port. */
  readonly address: ListenAddress;
}

/**
 * A service that accepts connections. A launcher binds its addresses before any worker exists and keeps them while workers are replaced.
 */
export interface ListeningService extends ServiceBase {
  /** Addresses to bind, in order. */
  readonly addresses: readonly ListenAddress[];
  /** Place of the addresses in the configuration, for errors about an address. */
  readonly addressPlace?: Location | undefined;
  /**
   * Called before the first `start()`, with one socket for each address in order: the service listens on these instead of binding. They are
   * handed over once: after a stop for a `reload`, the next start listens on the same ones.
   */
  useSockets(sockets: readonly ListenSocket[]): void;
}

/** Reports whether a launcher can bind the addresses of a service. */
export function isListening(service: ServiceBase): service is ListeningService {
  const candidate = service as Partial<ListeningService>;
  return Array.isArray(candidate.addresses) && typeof candidate.useSockets === 'function';
}

/**
 * Ends the process with status `exitCode`: if a method or task of a service throws it, the launcher stops all services. The counterpart
 * of `SystemExit` in oslo.service. Throws `PORTICO_INVALID_EXIT_CODE` for an invalid exit status.
 */
export class ServiceExit extends PorticoError {
  /** The exit status, 0 to 255. */
  readonly exitCode: number;

  constructor(exitCode = 1, message = `the service asks its process to exit with status ${exitCode}`) {
    super('PORTICO_SERVICE_EXIT', { message });
    if (!Number.isInteger(exitCode) || exitCode < 0 || exitCode > 255) {
      throw new PorticoError('PORTICO_INVALID_EXIT_CODE', {
        message: `${exitCode} is not an exit status`,
        hint: 'Pass a whole number from 0 to 255.',
      });
    }
    this.exitCode = exitCode;
  }
}
