/**
 * Several APIs in one program: the start, the reload and the exit statuses that `api-cli` has, for any program.
 */
import type { Config } from '../config/index.js';
import { describeError, PorticoError } from '../errors.js';
import { isWorker, ProcessLauncher } from '../launch/index.js';
import type { Logger } from '../log.js';
import type { Awaitable, ListenAddress, ServiceBase } from '../service/index.js';
import { configuredLogger, readConfiguration } from './configuration.js';
import { exitStatusOf } from './exit-status.js';
import { Problems } from './problems.js';

/** A service, and how many workers it wants; 1 where it does not say. */
export type ApiService = ServiceBase & { readonly workers?: number };

/** In which process the services are made: the parent, which binds and waits, or a worker, which serves one of them. */
export type Role = 'parent' | 'worker';

/** Makes the services there are to be, of a configuration. */
export type MakeServices = (config: Config, role: Role) => Awaitable<readonly ApiService[]>;

/** What {@link runApis} may be given. */
export interface RunApisOptions {
  /** Default: read from the default files and the environment. */
  readonly config?: Config;
  /** Default: what the configuration says, on standard error. */
  readonly log?: Logger;
  /** Where a refusal is explained. Default: standard error. */
  readonly explain?: (text: string) => void;
  /** Called in the parent for each service once it is ready, with the addresses it really has. */
  readonly onReady?: (service: ApiService, addresses: readonly ListenAddress[]) => void;
  /** Finds what else is wrong, when the configuration is refused anyway: all mistakes in one run. */
  readonly moreProblems?: (config: Config, problems: Problems) => Awaitable<void>;
}

/**
 * Launches the services that `services` makes of a configuration, each in its own workers, waits, and gives the exit
 * status: 0 stopped as asked, 1 nothing or not everything started, or something had to be cut off.
 *
 * On SIGHUP `services` is called again with the new configuration: new services start, missing ones stop, the others get
 * new workers. It also runs in every worker, where only the assigned service is started; so constructors open nothing.
 *
 * A start that fails is explained on standard error, everything that is wrong at once, and gives 78 for a configuration
 * that was refused, else 1.
 */
export async function runApis(services: MakeServices, options: RunApisOptions = {}): Promise<number> {
  const { explain = (text: string) => process.stderr.write(`${text}\n`) } = options;
  try {
    const config = options.config ?? (await readConfiguration({}, { collect: true }));
    return await launchApis(services, { ...options, config, log: options.log ?? configuredLogger(config) });
  } catch (error) {
    // A worker's parent explains, and it alone: the error reaches it by the channel.
    if (isWorker()) throw error;
    explain(describeError(error));
    return exitStatusOf(error);
  }
}

async function launchApis(
  services: MakeServices,
  options: RunApisOptions & { readonly config: Config; readonly log: Logger },
): Promise<number> {
  const { config, log } = options;
  const problems = new Problems();
  const launcher = await problems.gather(
    () =>
      new ProcessLauncher({
        config,
        log,
        onReload: async (next) => requests(await services(next ?? config, 'parent')),
        // Explained once, at the end.
        startFailed: () => undefined,
      }),
  );
  const role = launcher?.role ?? 'parent';
  const wanted = (await problems.gather(() => services(config, role))) ?? [];
  // Not complete: only workers load the application, which may declare more.
  if (role === 'parent') await problems.gather(() => config.validate({ complete: false }));
  if (problems.any) await options.moreProblems?.(config, problems);
  problems.refuse();
  if (launcher === undefined) return 1;

  if (wanted.length === 0) {
    log.error('No APIs were started. Check the enabled_apis config option.');
    return 1;
  }
  for (const service of wanted) {
    try {
      await launcher.launchService(service, { workers: service.workers ?? 1 });
    } catch (error) {
      await launcher.stop();
      throw named(error, service);
    }
    if (role === 'parent') options.onReady?.(service, launcher.addresses(service.name ?? ''));
  }
  return launcher.wait();
}

function requests(services: readonly ApiService[]): { service: ServiceBase; workers: number }[] {
  return services.map((service) => ({ service, workers: service.workers ?? 1 }));
}

/** An error of the system does not know which API it hit; a refusal says it all. */
function named(error: unknown, { name = 'service' }: ApiService): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof PorticoError || typeof code !== 'string') return error;
  return new PorticoError('PORTICO_START_FAILED', { message: `${name}: ${message}`, cause: error });
}
