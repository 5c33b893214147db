/** Runs several APIs in one application, with the start, the reload and the exit statuses of `api-cli`. */
import type { Config } from '../../config/index.js';
import { logFileIssue, logFileOf, programLogOptions } from '../../config/internal.js';
import {
  type ConfigurationRefused,
  type Diagnostic,
  describeError,
  isError,
  PorticoError,
  Refusals,
  severalRefusals,
  whole,
} from '../../errors/index.js';
import { type LauncherOptions, ProcessLauncher, ServiceLauncher } from '../../launch/index.js';
import { describeShare, isWorker, launcherOptions } from '../../launch/internal.js';
import type { Logger } from '../../log/index.js';
import { callsProvider } from '../../managers/index.js';
import { explainedError, pagesOfError } from '../../modules/index.js';
import type { ServiceStatus } from '../../operating/index.js';
import { DESCRIBE_TOPIC, STATE_TOPIC, type StateQuestion } from '../../operating/internal.js';
import { describeLimits, holdSignals, returnStartMemory, withSourceLines } from '../../process/index.js';
import { namesIn } from '../../server/internal.js';
import type { Awaitable, Launchable, ListenAddress, ServiceBase } from '../../service/index.js';
import { isOneProcess } from '../../service/internal.js';
import { exitStatusOf } from '../command-failure.js';
import { readConfiguration, refuseUnread } from '../configured/configuration.js';
import { nothingEnabled, unplacedAt } from '../configured/enabled-apis.js';
import { namesLogger, programLog } from '../configured/named-logger.js';
import { refuseErrors } from '../validate/plan.js';

/** A worker rests if it is busy for less than this share of a second. */
const AT_REST = 0.1;

/** A service with its number of workers. Default 1. */
export type ApiService = ServiceBase & {
  /** Number of processes that run it. Default 1. */
  readonly workers?: number;
};

/**
 * Process in which services are created: the parent, which binds and waits, or a worker, which serves one of them. With `[DEFAULT] workers =
 * 0` the only process is a worker that serves all.
 */
export type Role = 'parent' | 'worker';

/** Creates the services of a configuration. `running`: the names of running services, in a reload; empty at the start. */
export type MakeServices = (config: Config, role: Role, running: readonly string[]) => Awaitable<readonly ApiService[]>;

/** Options of {@link runApis}. */
export interface RunApisOptions {
  /** Default: the result of `Config.load()`. */
  readonly config?: Config;
  /** Default: the log of the configuration, on standard error. */
  readonly log?: Logger;
  /** Prints the message of a refusal. Default: to standard error. */
  readonly explain?: (text: string) => void;
  /** Called in the parent for each ready service, with its actual addresses. */
  readonly onReady?: (service: ApiService, addresses: readonly ListenAddress[]) => void;
  /** Checks the whole configuration that the start has refused, so that every error is reported in one run. */
  readonly validate?: () => Awaitable<readonly Diagnostic[]>;
}

/**
 * Launches the services that `services` creates from a configuration, each in its own workers, waits for them, and returns
 * the exit status: 0 after a clean stop, 1 if a service did not start or something was cut off.
 *
 * On SIGHUP, `services` is called again with the new configuration: new services start, missing ones stop, and the others
 * get new workers. `services` also runs in every worker, where only the assigned service is started, and in the parent, which
 * only reads the addresses and the plan of each service. So constructors must not open anything. With `[DEFAULT] workers = 0` all services
 * run in this process.
 *
 * If the start fails, all errors are printed to standard error. The status is then 78 for a refused configuration,
 * otherwise 1.
 */
export function runApis(services: MakeServices, options: RunApisOptions = {}): Promise<number> {
  return runValidated(notNone(services), options as RunValidatedOptions);
}

/** A service, or its plan. */
type Launched = Launchable & { readonly workers?: number };

/** Creates services, or in the parent their plans. */
type MakeLaunched = (config: Config, role: Role, running: readonly string[]) => Awaitable<readonly Launched[]>;

/** Further options of {@link runValidated}. */
export interface RunValidatedOptions extends Omit<RunApisOptions, 'onReady'> {
  /** Called in the parent for each ready service, with its actual addresses. */
  readonly onReady?: (service: Launched, addresses: readonly ListenAddress[]) => void;
  /** Errors found before, reported with all others. */
  readonly refusals?: Refusals;
  /** Called with the launcher, in each process, before it launches anything. */
  readonly launching?: (launcher: ProcessLauncher | ServiceLauncher) => void;
  /** `--dev`: there are always workers, which are replaced when code changes. */
  readonly dev?: boolean;
  /** `--trace-errors`: also print the stack of the error that refused the start. */
  readonly traceErrors?: boolean;
}

/** As {@link runApis}, for services that are created only from a valid configuration: `services` refuses any other. */
export async function runValidated(services: MakeLaunched, options: RunValidatedOptions): Promise<number> {
  const { explain = (text: string) => process.stderr.write(`${text}\n`) } = options;
  const release = holdSignals();
  let { config, log, refusals = new Refusals() } = options;
  try {
    config ??= await readConfiguration({}, { collect: true, argv: undefined });
    // A configuration that the application has read itself has no log options.
    config.register('DEFAULT', programLogOptions);
    if (log === undefined) ({ log, refusals } = await programLog(config));
    return await launchApis(services, { ...options, config, log, refusals });
  } catch (error) {
    // Only a worker's parent reports the error, which it gets through the channel.
    if (isWorker()) throw options.validate === undefined ? await (await allErrors()).withAllErrors(error) : error;
    explain(explainedError(error));
    if (options.traceErrors === true && error instanceof Error) explain(withSourceLines(error.stack ?? ''));
    // On standard error it is already.
    if (config !== undefined && logsElsewhere(config, error)) {
      const pages = pagesOfError(error);
      log?.error(pages.length > 0 ? { pages } : {}, `The start failed: ${describeError(error)}`);
    }
    return exitStatusOf(error);
  } finally {
    release();
  }
}

/** Reports whether the log is a file or the application's. If the application itself has such an option, that may have been refused. */
function logsElsewhere(config: Config, refusal: unknown): boolean {
  if (namesLogger(config)) {
    const { diagnostics = [] } = refusal as Partial<ConfigurationRefused>;
    return diagnostics.every(({ code }) => code !== 'PORTICO_LOGGER');
  }
  return config.has('DEFAULT', 'log_file') && logFileOf(config) !== undefined && !logFileIssue(config);
}

async function launchApis(
  services: MakeLaunched,
  options: RunValidatedOptions & { readonly config: Config; readonly log: Logger; readonly refusals: Refusals },
): Promise<number> {
  const { config, log, refusals: problems } = options;
  refuseUnread(config);
  const validate = async (): Promise<readonly Diagnostic[]> =>
    options.validate === undefined
      ? diagnosticsOf(await (await allErrors()).withAllErrors(problems.refusal, config))
      : Promise.resolve(options.validate()).catch(diagnosticsOf);
  // Sockets passed by a service manager have their own ports.
  const activated = process.env.LISTEN_PID === String(process.pid);
  const known = new Map<unknown, Launched>();
  const ready = (service: Launched, current = config): void => {
    known.set(service.name, service);
    const addresses = launcher?.addresses(service.name ?? '') ?? [];
    options.onReady?.(service, addresses);
    const unplaced = isApi(service) ? unplacedAt(current, service.name, addresses) : undefined;
    if (unplaced !== undefined && !activated) log.warn(unplaced);
  };
  const running = (): string[] => launcher?.status().services.map(({ name }) => name) ?? [];
  const isAlone = !isWorker() && options.dev !== true && isOneProcess(config);
  const role = isAlone || isWorker() ? 'worker' : 'parent';
  const launcherOf: LauncherOptions = {
    config,
    log,
    onReload: async (next = config) =>
      launchRequests(await services(next, role, running()), (service) => ready(service, next)),
    // Reported once, at the end.
    startFailed: () => undefined,
    registry: {
      onEvent: async ({ kind, record }) => {
        if (kind === 'delete') await (await callsProvider(config)).forgetHost(record, config, log);
      },
    },
  };
  const launcher = await problems.gather(() =>
    isAlone ? new ServiceLauncher(launcherOf) : new ProcessLauncher(launcherOf),
  );
  if (launcher !== undefined) options.launching?.(launcher);
  const wanted = (await problems.gather(() => services(config, role, []))) ?? [];
  // Not even a plan is possible: then `validate` reports all errors, as a first worker would.
  if (problems.refusal?.blamesConfiguration === true && !isWorker()) {
    const found = await validate();
    refuseErrors(whole(found, problems.diagnostics));
  }
  problems.refuse();
  // A worker without a service of this configuration tells its parent when it ends.
  if (launcher === undefined || wanted.length === 0) return 1;
  for (const each of wanted) known.set(each.name, each);
  if (role === 'worker') {
    launcher.answer(DESCRIBE_TOPIC, describing(known));
    launcher.answer(STATE_TOPIC, stating(known));
  }

  let service = wanted[0]!;
  try {
    if (launcher instanceof ProcessLauncher)
      await launcher.bindAll(launchRequests(wanted)).catch(async (error: PorticoError) => {
        // No worker will validate the configuration.
        const found = await validate();
        if (found.some(isError)) refuseErrors(whole(found, error.diagnostics));
        throw error;
      });
    const launches = launchRequests(wanted).map(({ service: each, workers }) =>
      launcher instanceof ProcessLauncher
        ? launcher.launchService(each, { workers })
        : launcher.launchService(each as ServiceBase),
    );
    // A launch other than the awaited one may fail.
    for (const launch of launches) launch.catch(() => undefined);
    for (const [index, launch] of launches.entries()) {
      service = wanted[index]!;
      await launch;
      // If a stop is requested meanwhile, a launch settles without the service being ready.
      if (!isWorker() && !launcher.status().stopping) ready(service);
    }
  } catch (error) {
    await launcher.stop();
    throw named(error, service);
  }
  if (!isWorker()) {
    logLimits(isAlone ? [] : wanted, config, log);
    returnStartMemory(() => launcher.status().services.every(rests));
  }
  return launcher.wait();
}

/** Only a refused start needs them. */
function allErrors(): Promise<typeof import('../validate/validate-all.js')> {
  return import('../validate/validate-all.js');
}

/** Logs the limits of the container in one line, with what follows from its memory for workers; on other systems than Linux, what is unknown there. */
function logLimits(services: readonly Launched[], config: Config, log: Logger): void {
  if (process.platform !== 'linux') {
    const unknown =
      'open descriptors, limits of a container, kills by the kernel and holders of an address are unknown';
    log.info({ event: 'platform' }, `${process.platform} has no /proc: ${unknown}`);
  }
  const limits = describeLimits();
  if (limits === undefined) return;
  const { maxMemory } = config.group('DEFAULT', launcherOptions, { partial: true });
  const workers = services.reduce((sum, { workers: each = 1 }) => sum + each, 0);
  const share = maxMemory === undefined && workers > 0 ? describeShare(workers) : undefined;
  log.info({ event: 'container' }, `Limits of the container: ${limits}${share === undefined ? '' : `; ${share}`}`);
}

/** Reports whether the workers of a service leave CPU time to others. */
function rests({ workers }: ServiceStatus): boolean {
  return workers.every(({ facts: { utilization } }) => typeof utilization === 'number' && utilization < AT_REST);
}

function diagnosticsOf(error: unknown): readonly Diagnostic[] {
  if (error === undefined) return [];
  if (error instanceof PorticoError) return error.diagnostics;
  throw error;
}

/** Reports whether it is an API of the configuration, or its plan. */
function isApi(service: Launched): service is Launched & { readonly name: string } {
  return 'pipeline' in service && service.name !== undefined;
}

/** Describes an API by its name, from the apps that it serves: created on demand, and kept until the next reload. */
function describing(services: ReadonlyMap<unknown, Launched>): (name: unknown) => Promise<object> {
  const described = new Map<unknown, { readonly of: Config; readonly document: Promise<object> }>();
  return async (name) => {
    const api = services.get(name);
    const { WSGIService } = await import('../../server/index.js');
    if (!(api instanceof WSGIService) || api.pasteFile === undefined)
      throw new Error('its app does not come from a paste file');
    const { config } = api;
    const known = described.get(name);
    if (known?.of === config) return known.document;
    // A factory might change what the application already serves with, such as a pool of its module.
    const made = api.made();
    if (made === undefined) throw new Error('it serves no app of its paste file at present');
    const { documentOf } = await import('../look/openapi-command.js');
    const document = documentOf(api, config, null, { made });
    described.set(name, { of: config, document });
    document.catch(() => described.delete(name));
    return document;
  };
}

/** Returns the state of a service by its name, for `plan` and the report of a reload. */
function stating(services: ReadonlyMap<unknown, Launched>): (question: unknown) => Promise<object> {
  return async (question) => {
    const { service, key } = question as StateQuestion;
    const { stateHere } = await import('../plan/running-state.js');
    return stateHere(services.get(service) as Parameters<typeof stateHere>[0], key);
  };
}

/** Refuses a start of nothing, and a reload to it: it is most likely an error. */
function notNone(services: MakeServices): MakeServices {
  return async (config, role, running) => {
    const made = await services(config, role, running);
    if (made.length === 0 && !isWorker()) throw severalRefusals([nothingEnabled(config, namesIn(config))]);
    return made;
  };
}

function launchRequests(
  services: readonly Launched[],
  added: (service: Launched) => void = () => undefined,
): { service: Launchable; workers: number; added: () => void }[] {
  return services.map((service) => ({ service, workers: service.workers ?? 1, added: () => added(service) }));
}

/** An error of the system does not name the API; a refusal is complete. */
function named(error: unknown, { name = 'service' }: Launched): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof PorticoError || typeof code !== 'string') return error;
  return new PorticoError('PORTICO_START_FAILED', { message: `${name}: ${message}`, cause: error });
}
