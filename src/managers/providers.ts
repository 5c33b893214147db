/**
 * Interfaces of the registry and of remote calls for the core, which imports neither: the code that owns `[servicegroup]` or `[rpc]` provides
 * them.
 */
import type { Config } from '../config/index.js';
import { missingExtension } from '../config/internal.js';
import type { Meter } from '../counts/index.js';
import type { Logger } from '../log/index.js';
import type { Extension, OwnRPCClients, Registration, ServiceRecord } from '../service/index.js';
import { extensionsOf, type KeptValues, type RegistryHooks, type ServiceRegistry } from '../service/internal.js';

/** A service that keeps a record, beside what the configuration says of it. */
export interface Member {
  /** Name of its machine. Default: `[DEFAULT] host`. */
  readonly host?: string;
  /** Name of the application, unique on its host: `portico-compute`. */
  readonly binary: string;
  /** Topic of its remote calls; null: none. */
  readonly topic?: string | null;
  /** Version number of its code. Default 0. */
  readonly version?: number;
  /** Availability zone of the service. Default null: none. */
  readonly zone?: string | null;
  /** URLs of the service. Default: none. */
  readonly endpoints?: readonly string[];
  /** Labels for operators. Default: none. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The log of the service. */
  readonly log: Logger;
  /** Values of replaced processes of this service, and for those that replace this one. Default: none. */
  readonly kept?: KeptValues;
  /** Settles when an earlier run of this service in the same process has left: it registers after that. Default: at once. */
  readonly left?: Promise<unknown>;
  /** Returns the number of requests and calls in progress, for the worker's row. Default: 0. */
  readonly inFlight?: () => number;
  /** Called if the service must stop accepting requests, or end, with the reason. */
  readonly onVerdict?: (verdict: 'drain' | 'exit', reason: string) => void;
  /** Called when the record is known, and when an operator disables or enables the service. */
  readonly onDisabled?: (isDisabled: boolean) => void;
}

/** A registry, and the locations of this application's services in it. */
export interface OpenRegistry {
  readonly registry: ServiceRegistry;
  /** Returns the location of a service. */
  membership(member: Member): Registration;
}

/** The registry, provided by an extension. */
export interface RegistryProvider {
  /**
   * Resolves with the registry of a configuration; null if it names no database. Opens nothing yet. Rejects with
   * `PORTICO_REGISTRY_CONNECTION` for a connection that does not fit the driver.
   */
  open(config: Config, options: { readonly log: Logger }): Promise<OpenRegistry | null>;
  /**
   * Resolves with the registry for operators. `outside`: the services run in other processes. Rejects as `open`, and with
   * `PORTICO_NO_REGISTRY` if there is no registry to query.
   */
  forOperators(
    config: Config,
    options: RegistryHooks & { readonly log: Logger; readonly outside: boolean },
  ): Promise<ServiceRegistry>;
  /** Returns the option that names its SQLite database, which it writes to; undefined if it writes no file. */
  file(config: Config): { readonly group: string; readonly opt: string } | undefined;
}

declare module '../service/extension.js' {
  interface Provides {
    /** Records of the services of all machines. */
    readonly registry?: () => Promise<RegistryProvider>;
    /** Remote calls. */
    readonly calls?: () => Promise<CallsProvider>;
  }
}

/** Returns the registry that a configuration sets an option of; undefined if it sets none. Imports no extension without a written group. */
export async function configuredRegistry(config: Config): Promise<RegistryProvider | undefined> {
  return firstRegistry(await extensionsOf(config, { configured: true, providing: 'registry' }));
}

/**
 * Returns the registry of a configuration: the one that it sets an option of, else the first. Rejects with `PORTICO_EXTENSION` if no extension
 * has one.
 */
export async function registryProvider(config: Config): Promise<RegistryProvider> {
  const found =
    (await configuredRegistry(config)) ?? (await firstRegistry(await extensionsOf(config, { providing: 'registry' })));
  return found ?? missingExtension(config, 'registry', 'the service registry');
}

async function firstRegistry([first]: readonly Extension[]): Promise<RegistryProvider | undefined> {
  return first?.provides?.registry?.();
}

/** A remote call that this process runs, with ages in milliseconds, in the list of open requests. */
export interface OpenCall {
  readonly method: 'call' | 'cast';
  /** `images.resize`. */
  readonly path: string;
  readonly requestId: string | undefined;
  readonly ageMs: number;
  readonly state: 'handler';
  readonly stateMs: number;
}

/** The remote calls of one service. */
export interface RemoteCalls {
  /** Number of calls that run here and that wait for replies, and those that run. */
  readonly calls: { readonly running: number; readonly pending: number; readonly open: readonly OpenCall[] };
  /** Returns the problems of its connections to brokers, each once. */
  troubles(): readonly string[];
  /** Returns clients for a configuration. `name`: of the connection at the broker. Opens nothing by itself. */
  connect(
    config: Config,
    options: { readonly log: Logger; readonly name?: string; readonly project?: string | undefined },
  ): OwnRPCClients;
}

/** Remote calls, provided by an extension. */
export interface CallsProvider {
  /** `meter`: counts the calls if the configuration enables that. Default: they are not counted. */
  calls(meter?: Meter): RemoteCalls;
  /** Imports what the calls of a configuration need, and opens nothing. Rejects with a refusal at the option that names it. */
  load(config: Config): Promise<void>;
  /**
   * Removes the remains of a service whose record an operator has deleted: the queue of its host at the broker. Never rejects: the record is
   * gone, and the broker removes the queue by itself in the end.
   */
  forgetHost(service: Pick<ServiceRecord, 'topic' | 'host'>, config: Config, log: Logger): Promise<void>;
}

/** Imports the remote calls of a configuration. Rejects with `PORTICO_EXTENSION` if no extension has them. */
export async function callsProvider(config: Config): Promise<CallsProvider> {
  const [first] = await extensionsOf(config, { providing: 'calls' });
  return first?.provides?.calls?.() ?? missingExtension(config, 'calls', 'remote calls');
}
