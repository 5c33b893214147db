/**
 * The registry as a launcher reads it for its operators, opened when it is first asked for. Of all launchers that are asked
 * for metrics one at a time tells which services are up: the registry has the lease.
 */
import type { Config } from '../../config/index.js';
import type { Logger } from '../../log/index.js';
import {
  type RegistryEvent,
  type RegistryHooks,
  RegistryUnavailable,
  type ServiceRegistry,
} from '../../registry/index.js';
import { heartbeatOptions, neededRegistry } from '../../registry/internal.js';
import { within } from '../waiting.js';

/** One that is neither up nor down has promised no heartbeats. */
export interface ServiceUp {
  readonly binary: string;
  readonly host: string;
  readonly up: boolean;
}

/** What it needs to know of the launcher. */
interface Launcher {
  readonly config: Config;
  readonly log: Logger;
  readonly runner: {
    /** The configuration in force, counted from 1. */
    readonly generation: number;
    /** Its services run in workers. */
    readonly fleet?: unknown;
  };
  readonly registryHooks: RegistryHooks;
}

const EXPORTER = 'portico_service_up';
/** Prometheus asks once a minute unless it is told otherwise: the lease outlasts one scrape that fails. */
const LEASE_S = 150;
/** A page or a scrape waits no longer for a registry. */
const LIMIT_MS = 2000;
/** The end of a launcher. */
const END_LIMIT_MS = 500;

export class RegisteredServices {
  readonly #launcher: Launcher;
  #open: { readonly generation: number; readonly registry: ServiceRegistry } | undefined;
  #exports = false;

  constructor(launcher: Launcher) {
    this.#launcher = launcher;
  }

  /** That of the configuration in force. Throws `PORTICO_NO_REGISTRY`, and as `openRegistry`. */
  get registry(): ServiceRegistry {
    const { config, log, runner, registryHooks } = this.#launcher;
    const { generation } = runner;
    if (this.#open?.generation !== generation) {
      void this.#open?.registry.close();
      this.#open = undefined;
      const onEvent = async (event: RegistryEvent): Promise<void> => {
        logChange(log, event);
        await registryHooks.onEvent?.(event);
      };
      const outside = runner.fleet !== undefined;
      this.#open = { generation, registry: neededRegistry(config, { log, ...registryHooks, onEvent, outside }) };
    }
    return this.#open.registry;
  }

  /** What `ask` gives of the registry. Rejects with `RegistryUnavailable` too when that takes long. */
  async ask<T>(ask: (registry: ServiceRegistry) => Promise<T>): Promise<T> {
    const answer = await within(
      LIMIT_MS,
      ask(this.registry).then((value) => ({ value })),
    );
    if (answer === undefined) throw new RegistryUnavailable(new Error(`it did not answer within ${LIMIT_MS / 1000} s`));
    return answer.value;
  }

  /** Which services are up, for metrics. None where another launcher tells that, or the registry cannot be asked. */
  async up(): Promise<readonly ServiceUp[]> {
    try {
      return await this.ask(async (registry) => {
        this.#exports = await registry.store.lease(EXPORTER, this.#owner, LEASE_S);
        if (!this.#exports) return [];
        const views = await registry.list();
        return views
          .filter(({ state }) => state !== 'unknown')
          .map(({ record: { binary, host }, state }) => ({ binary, host, up: state === 'up' }));
      });
    } catch (error) {
      if (!isExpected(error)) this.#launcher.log.error('the metrics lack which services are up', { err: error });
      return [];
    }
  }

  /** Another launcher may tell which services are up, at once. */
  async close(): Promise<void> {
    const registry = this.#open?.registry;
    if (registry === undefined) return;
    const released = this.#exports ? registry.store.lease(EXPORTER, this.#owner, 0) : undefined;
    const closed = Promise.allSettled([released]).then(() => registry.close());
    await within(END_LIMIT_MS, Promise.allSettled([closed]));
  }

  /** Each launcher is another one, also on one host. */
  get #owner(): string {
    const { host } = this.#launcher.config.group('DEFAULT', heartbeatOptions, { partial: true });
    return `${host}/${process.pid}`;
  }
}

/** Heartbeats tell the log of a registry that is away; and a configuration may have none. */
function isExpected(error: unknown): boolean {
  return error instanceof RegistryUnavailable || (error as { code?: unknown }).code === 'PORTICO_NO_REGISTRY';
}

function logChange(log: Logger, { kind, record: { binary, host, uuid }, changes }: RegistryEvent): void {
  const done = kind === 'delete' ? 'deleted the record of' : 'changed';
  log.notice(`An operator ${done} ${binary} on ${host}`, { id: uuid, ...changes });
}
