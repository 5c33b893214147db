/**
 * The managers of an API, and its place among the services that are known.
 */
import { type App, Fault, RequestContext } from '../../app/index.js';
import type { Config } from '../../config/index.js';
import type { Logger } from '../../log/index.js';
import { ManagedService } from '../../registry/index.js';
import { namedManager, servicegroupOptions } from '../../registry/internal.js';
import type { ProtocolSteps } from '../../service/index.js';
import type { TaskGroup } from '../../tasks/index.js';
import type { Server } from '../server.js';
import type { ApiCalls } from './api-calls.js';
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
  readonly calls: ApiCalls;
  /** The registry's word on the service. */
  readonly onVerdict: (verdict: 'drain' | 'exit', reason: string) => void;
}

/** The managers of an API, with the request context of an administrator for their periodic tasks. */
export function apiManagers({ given, server, calls, ...parts }: ApiManagersParts): ManagedService {
  const { config, name } = parts;
  const named = { group: `api:${name}`, opt: 'manager' };
  return new ManagedService({
    ...parts,
    option: `${name}_manager`,
    named,
    managers: (config) => [given.manager ?? namedManager(config, named) ?? []].flat(),
    registration: given.registration,
    registers: () => config.group('servicegroup', servicegroupOptions).registerApis,
    member: { inFlight: () => server.inFlight },
    rpc: (next) => calls.connect(next),
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
      // Awaited by the next step; until then its failure has no listener.
      served.catch(() => {});
    },
    finish: () => served,
    release,
  };
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
