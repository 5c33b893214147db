/**
 * The managers of an API, and its place among the services that are known.
 */
import { type App, Fault, RequestContext } from '../../app/index.js';
import type { Config } from '../../config/index.js';
import { ConfigurationRefused } from '../../errors.js';
import type { Logger } from '../../log.js';
import { ManagedService, managersOf, servicegroupOptions } from '../../registry/index.js';
import { findManager as find, type ProtocolSteps } from '../../service/index.js';
import type { TaskGroup } from '../../tasks/index.js';
import type { Server } from '../server.js';
import type { WSGIServiceOptions } from './wsgi-service-options.js';

/** What the managers of an API are made of. */
export interface ApiManagersParts {
  readonly name: string;
  readonly binary: string;
  readonly config: Config;
  readonly log: Logger;
  readonly server: Server;
  readonly tasks: TaskGroup;
  readonly given: WSGIServiceOptions;
  /** The registry's word on the service. */
  readonly onVerdict: (verdict: 'drain' | 'exit', reason: string) => void;
}

/** The managers of an API, with the request context of an administrator for their periodic tasks. */
export function apiManagers({ given, server, ...parts }: ApiManagersParts): ManagedService {
  const { config, name } = parts;
  return new ManagedService({
    ...parts,
    option: `${name}_manager`,
    managers: given.manager === undefined ? undefined : [given.manager].flat(),
    registration: given.registration,
    registers: () => config.group('servicegroup', servicegroupOptions).registerApis,
    member: { inFlight: () => server.inFlight },
    periodic: { context: () => new RequestContext({ isAdmin: true, roles: ['admin'] }) },
  });
}

/** An API's own part of start and stop. `release` comes after everything else: lets the app go. */
export function apiSteps(server: Server, release: () => Promise<void>): ProtocolSteps {
  let served: Promise<void> | undefined;
  return {
    serve: () => server.start(),
    stopAccepting: (options) => {
      served = server.stop(options);
      // Awaited by the next step; until then nobody listens to its failure.
      served.catch(() => {});
    },
    finish: () => served,
    release,
  };
}

/** Finds the manager that a configuration names, and makes nothing. Throws as `importModuleExport`. */
export function findManager(reference: string, config: Config): Promise<void> {
  return find(reference, managersOf(config));
}

/**
 * Throws `PORTICO_MANAGER`, with the option's place, when the manager that `[api:<name>] manager` names cannot be had;
 * makes nothing.
 */
export async function checkManager(reference: string | undefined, name: string, config: Config): Promise<void> {
  if (reference === undefined || reference === '') return;
  try {
    await findManager(reference, config);
  } catch (error) {
    const { message, hint } = error as { message: string; hint?: string };
    const { origin } = config.getLocation(`api:${name}`, 'manager');
    throw new ConfigurationRefused('PORTICO_MANAGER', { message, origin, hint, cause: error });
  }
}

/** Takes no more work, and goes on listening: requests are answered with 503 at once, periodic tasks end. */
export async function withdraw(server: Server, managed: ManagedService): Promise<void> {
  server.markDraining();
  server.replaceApp(withdrawn);
  await managed.hooks?.withdraw();
}

const withdrawn: App = () => {
  throw new Fault(503, {
    message: 'This service was withdrawn. Ask another one.',
    headers: { connection: 'close', 'retry-after': '60' },
  });
};
