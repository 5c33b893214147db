/**
 * The registry as a launcher reads it for its operators, opened at the first request: clients of the listener that may
 * read may list services, and those that may change something may change services (`admin-guard.ts`). If several
 * launchers are asked for metrics, one at a time reports the services that are up: the registry has the lease.
 */

import { didYouMean, nearestOrAll, PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import { registryProvider, serviceJson } from '../../managers/index.js';
import type { OperatorChanges, RegistryEvent, ServiceRegistry, ViewFilter } from '../../service/internal.js';
import { hostOf } from '../../service/internal.js';
import { within } from '../../tasks/internal.js';
import { ControlAnswer, ControlRefused, type ControlRoutes } from './control-server.js';
import type { Controlled } from './controlled.js';

/** Code of a registry whose database does not respond. */
const UNAVAILABLE = 'PORTICO_REGISTRY_UNAVAILABLE';
const EXPORTER = 'portico_service_up';
/** Prometheus scrapes once a minute by default: the lease outlasts one failed scrape. */
const LEASE_S = 150;
/** Longest wait of a scrape for the registry. */
const LIMIT_MS = 2000;
/** Longest wait at the end of a launcher. */
const END_LIMIT_MS = 500;

export class RegisteredServices {
  readonly #launcher: Controlled;
  #open: { readonly generation: number; readonly registry: Promise<ServiceRegistry> } | undefined;
  #exports = false;

  constructor(launcher: Controlled) {
    this.#launcher = launcher;
  }

  /** Opens the registry of the configuration in force. Rejects with `PORTICO_NO_REGISTRY`, and as `openRegistry`. */
  registry(): Promise<ServiceRegistry> {
    const { config, log, runner, registryHooks } = this.#launcher;
    const { generation } = runner;
    if (this.#open?.generation === generation) return this.#open.registry;
    void this.#open?.registry.then((registry) => registry.close()).catch(() => undefined);
    const onEvent = async (event: RegistryEvent): Promise<void> => {
      logChange(log, event);
      await registryHooks.onEvent?.(event);
    };
    const outside = runner.fleet !== undefined;
    const registry = registryProvider(config).then((provider) =>
      provider.forOperators(config, { log, ...registryHooks, onEvent, outside }),
    );
    const open = { generation, registry };
    this.#open = open;
    // The next request tries again.
    registry.catch(() => {
      if (this.#open === open) this.#open = undefined;
    });
    return registry;
  }

  /** Returns the result of `ask` for the registry. Rejects with `PORTICO_REGISTRY_UNAVAILABLE`, also if it takes too long. */
  async ask<T>(ask: (registry: ServiceRegistry) => Promise<T>): Promise<T> {
    return within(this.registry().then(ask), LIMIT_MS, (): never => {
      const message = `the service registry is unavailable: it did not respond within ${LIMIT_MS / 1000} s`;
      throw new PorticoError(UNAVAILABLE, { message });
    });
  }

  /**
   * Returns the services that are up, for metrics, except those that send no heartbeats. Empty if another launcher
   * reports them, or the registry is not available.
   */
  async up(): Promise<readonly { readonly binary: string; readonly host: string; readonly up: boolean }[]> {
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
      if (!isExpected(error)) this.#launcher.log.error({ err: error }, 'the metrics lack which services are up');
      return [];
    }
  }

  /** Releases the lease, so that another launcher may report services at once. */
  async close(): Promise<void> {
    const closed = this.#open?.registry.then(async (registry) => {
      if (this.#exports) await Promise.allSettled([registry.store.lease(EXPORTER, this.#owner, 0)]);
      await registry.close();
    });
    await within(Promise.allSettled([closed]), END_LIMIT_MS);
  }

  /** Identifies this launcher; launchers on the same host differ. */
  get #owner(): string {
    return `${hostOf(this.#launcher.config)}/${process.pid}`;
  }
}

/**
 * Reports whether an error needs no log line: heartbeats log a registry that is not available, and a configuration may
 * have none.
 */
function isExpected(error: unknown): boolean {
  return error instanceof PorticoError && (error.code === UNAVAILABLE || error.code === 'PORTICO_NO_REGISTRY');
}

function logChange(log: Logger, { kind, record: { binary, host, uuid }, changes }: RegistryEvent): void {
  const done = kind === 'delete' ? 'deleted the record of' : 'changed';
  log.notice({ id: uuid, ...changes }, `An operator ${done} ${binary} on ${host}`);
}

const STATUSES = ['enabled', 'disabled'] as const;
const STATES = ['up', 'down', 'unknown'] as const;
const CHANGES = ['status', 'disabled_reason', 'forced_down'] as const;

/** Services are sorted by host and binary. `registry` rejects if there is none. */
export function serviceRoutes(registry: () => Promise<ServiceRegistry>): ControlRoutes {
  return {
    'GET /services': async ({ query }) => {
      const listed = await (await registry()).list(filterOf(query));
      return { schema: 'portico/services', version: 1, services: listed.map(serviceJson) };
    },
    'PUT /services/:id': async ({ params: { id }, body }) => {
      const services = await registry();
      return serviceJson(await services.update(id!, changesOf(body)));
    },
    'DELETE /services/:id': async ({ params: { id }, query }) => {
      const { force } = given(query, ['force']);
      const isForced = force !== undefined && oneOf('force', ['true', 'false'], force) === 'true';
      await (await registry()).delete(id!, { force: isForced });
      return new ControlAnswer(204, undefined);
    },
  };
}

function filterOf(query: URLSearchParams): ViewFilter {
  const { state, status, ...columns } = given(query, ['host', 'binary', 'topic', 'state', 'status']);
  return {
    ...columns,
    ...(state !== undefined && { state: oneOf('state', STATES, state) }),
    ...(status !== undefined && { status: oneOf('status', STATUSES, status) }),
  };
}

/** Returns the query's values of these names. Refuses other names: a misspelt one would list more than requested. */
function given<K extends string>(query: URLSearchParams, names: readonly K[]): { readonly [name in K]?: string } {
  const found: { [name in K]?: string } = {};
  for (const [name, value] of query) {
    const known =
      names.find((each) => each === name) ??
      refuseQuery(`its query has no parameter ${JSON.stringify(name)}`, nearestOrAll(name, names));
    if (found[known] !== undefined) refuseQuery(`${name} is repeated`);
    found[known] = value;
  }
  return found;
}

function oneOf<T extends string>(name: string, words: readonly T[], text: string): T {
  const message = `${name} must be one of ${words.join(', ')}; got ${JSON.stringify(text)}`;
  return words.find((word) => word === text) ?? refuseQuery(message, didYouMean(text, words));
}

/** Refuses values of other types: `"false"` would force a service down. */
function changesOf(body: Readonly<Record<string, unknown>>): OperatorChanges {
  const unknown = Object.keys(body).find((name) => !CHANGES.some((each) => each === name));
  if (unknown !== undefined)
    refuseChange(`there is no ${JSON.stringify(unknown)} to change`, nearestOrAll(unknown, CHANGES));
  const { status, disabled_reason: reason, forced_down: forcedDown } = body;
  const isStatus = status === undefined || STATUSES.some((each) => each === status);
  if (!isStatus) refuseChange(`status must be one of ${STATUSES.join(', ')}; got ${JSON.stringify(status)}`);
  if (reason !== undefined && typeof reason !== 'string') refuseChange('disabled_reason is not a text');
  if (forcedDown !== undefined && typeof forcedDown !== 'boolean') refuseChange('forced_down is not true or false');
  return {
    ...(status !== undefined && { status: status as 'enabled' | 'disabled' }),
    ...(reason !== undefined && { disabledReason: reason as string }),
    ...(forcedDown !== undefined && { forcedDown: forcedDown as boolean }),
  };
}

function refuseQuery(message: string, hint?: string): never {
  throw new ControlRefused(400, 'PORTICO_CONTROL_QUERY', { message, hint });
}

function refuseChange(message: string, hint?: string): never {
  throw new PorticoError('PORTICO_INVALID_CHANGE', { message, hint });
}
