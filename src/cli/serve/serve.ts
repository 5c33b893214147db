/**
 * `api-cli serve`, and `api-cli` without a command: starts the enabled APIs and services in the foreground.
 */
import { relative } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../../config/index.js';
import { workerAssignment } from '../../config/internal.js';
import type { Diagnostic } from '../../errors/index.js';
import { ServiceLauncher } from '../../launch/index.js';
import { buildConfiguration, isBuild, isWorker, tellBuilt } from '../../launch/internal.js';
import type { Logger } from '../../log/index.js';
import type { PlannedSectionService, SectionService } from '../../managers/index.js';
import { firstParent } from '../../process/index.js';
import type { WSGIService } from '../../server/index.js';
import { namesIn, type PlannedApi } from '../../server/internal.js';
import type { ListenAddress } from '../../service/index.js';
import { formatAddress, isOneProcess } from '../../service/internal.js';
import { countText } from '../../text/index.js';
import { example } from '../command.js';
import { endSoon } from '../command-failure.js';
import { addConfigurationOptions, addServeOptions, type ServeArguments } from '../command-line.js';
import { NAME_A_CONFIGURATION, noConfiguration, registered } from '../configured/configuration.js';
import type { EnabledApisOptions } from '../configured/enabled-apis.js';
import { enabledServices } from '../configured/enabled-services.js';
import { loadServed } from '../configured/load-configuration.js';
import { namesLogger, programLog } from '../configured/named-logger.js';
import { asLogged, plan, refuseErrors } from '../validate/plan.js';
import { programOf, wholeProgram } from '../validate/program.js';
import type { DevelopmentFiles, Save } from './development-files.js';
import { type Role, runValidated } from './run-apis.js';

export function register(program: Command): void {
  const command = program
    .command('serve', { isDefault: true })
    .description('start the enabled APIs and services (the default command)')
    .addHelpText(
      'after',
      `${example('api-cli serve --enabled-apis compute,metadata --config-file portico.ini')}\n  api-cli serve --enabled-services conductor`,
    );
  addConfigurationOptions(addServeOptions(command)).action(async () => {
    process.exitCode = await serve(command.optsWithGlobals<ServeArguments>());
  });
}

/**
 * Runs `serve` with its options, and the configuration that is being loaded. In a worker, whose configuration comes from the parent, only the other
 * options apply.
 */
export async function serve(args: ServeArguments, loading: Promise<Config> = loadServed(args)): Promise<number> {
  const { dev = false, traceErrors = false } = args;
  const config = registered(await loading);
  if (dev) useDevelopmentDefaults(config);
  if (isBuild()) await tellBuilt(await findings(config, args));
  const { log: whole, refusals } = await programLog(config, dev ? 'text' : undefined);
  const save: Save = { isServed: true };
  const log = dev && !namesLogger(config) ? await shortLog(config, whole, save) : whole;
  tellNoConfiguration(config, args, log);
  const services = async (current: Config, role: Role, running: readonly string[]): Promise<readonly Served[]> => {
    if (isWorker()) return ofWorker(current, { log, dev, traceErrors });
    const planned = await ofParent(current, { log, dev, running });
    return role === 'parent' ? planned : ofOneProcess(planned, current, { log, dev, traceErrors, running });
  };
  const development = dev ? await import('./development-files.js') : undefined;
  let files: DevelopmentFiles | undefined;
  const status = await runValidated(services, {
    config,
    log,
    refusals,
    dev,
    launching: (launcher) => {
      if (launcher instanceof ServiceLauncher) {
        stopWithNpx(() => void launcher.stop());
        return;
      }
      if (launcher.role === 'worker') {
        development?.answerModules(launcher);
        return;
      }
      if (development !== undefined) files = new development.DevelopmentFiles(launcher, config, { log, save });
      stopWithNpx(() => void launcher.stop());
    },
    onReady: (service, addresses) => {
      // For people: a collector of both streams finds only JSON, and the log says the same when all are ready.
      const isRead = process.stdout.isTTY || whole.format === 'text';
      if (isRead && config.resolve('DEFAULT', 'log_format').value !== 'json')
        process.stdout.write(`${readyLine(service as PlannedApi | PlannedSectionService, addresses, config)}\n`);
      void files?.follow();
    },
    validate: async () => {
      const found = (await buildConfiguration(config, dev ? ['--dev'] : [], { starts: true })).map(asLogged);
      config.warn(found);
      return found;
    },
    traceErrors,
  });
  if (!isWorker()) endSoon(status);
  return status;
}

/** A service to run: its plan in the parent, the object in a worker. */
type Served = PlannedApi | PlannedSectionService | SectionService | WSGIService;

/** Returns plans. The first workers validate the configuration; for a mutate, which starts none, a child does. */
async function ofParent(
  config: Config,
  options: Required<Omit<EnabledApisOptions, 'dev'>> & { readonly dev: boolean },
): Promise<readonly (PlannedApi | PlannedSectionService)[]> {
  const { apis, services, diagnostics } = await plan(config, options);
  config.warn(diagnostics.map(asLogged));
  refuseErrors(diagnostics);
  return [...apis, ...services];
}

/** Returns the service that a worker was assigned. Its parent has checked the configuration. */
async function ofWorker(
  config: Config,
  options: EnabledApisOptions & { readonly traceErrors: boolean },
): Promise<readonly Served[]> {
  const { service } = workerAssignment()!;
  const names = namesIn(config);
  if (names.services.includes(service)) {
    const { services, diagnostics } = await enabledServices(config, names, options, ({ make }) => make());
    refuseErrors(diagnostics);
    return services.map((each) => Object.assign(each, programOf(names, service)));
  }
  if (!names.apis.includes(service)) return [];
  const { ServedApi } = await import('./served-api.js');
  const api = new ServedApi(service, config, options);
  return [Object.assign(api, programOf(names, service))];
}

/** Returns the planned services of a process that serves all; of running ones, which stay, their plans. */
async function ofOneProcess(
  planned: readonly (PlannedApi | PlannedSectionService)[],
  config: Config,
  { running, ...options }: EnabledApisOptions & { readonly traceErrors: boolean; readonly running: readonly string[] },
): Promise<readonly Served[]> {
  const starts = planned.some((plan) => 'topic' in plan && !running.includes(plan.name));
  const names = namesIn(config);
  const services = starts ? (await enabledServices(config, names, options, ({ make }) => make())).services : [];
  const { ServedApi } = await import('./served-api.js');
  return planned.map((plan) => {
    const { name } = plan;
    if (running.includes(name)) return plan;
    if ('topic' in plan) return Object.assign(services.find((each) => each.name === name)!, wholeProgram);
    return Object.assign(new ServedApi(name, config, options), wholeProgram);
  });
}

/** Returns findings for a parent. */
async function findings(config: Config, { dev = false }: ServeArguments): Promise<readonly Diagnostic[]> {
  const { validateAll } = await import('../validate/validate-all.js');
  const found = await validateAll(config, { dev });
  // In a reload the parent detects that nothing is enabled, because it knows the running services.
  const isReload = (workerAssignment()?.generation ?? 1) > 1;
  return isReload ? found.filter(({ code }) => code !== 'PORTICO_NO_APIS').map(asLogged) : found;
}

/** Sets defaults for a terminal: Ctrl-C stops as SIGTERM does, and a start does not list all options. */
function useDevelopmentDefaults(config: Config): void {
  if (isWorker()) return;
  config.setDefault('DEFAULT', 'sigint', 'graceful');
  config.setDefault('DEFAULT', 'log_options', false);
}

/** Makes short lines of a log for a terminal, also of those of the configuration. */
async function shortLog(config: Config, whole: Logger, save: Save): Promise<Logger> {
  const { developmentLog } = await import('./development-log.js');
  const log = developmentLog(whole, isWorker() ? 'worker' : 'parent', save);
  config.useLogger(log);
  return log;
}

/** Logs that no configuration file was found: as a warning if nothing else names a service. */
function tellNoConfiguration(config: Config, args: ServeArguments, log: Logger): void {
  const none = args.configFile === undefined && !isWorker() ? noConfiguration(config) : undefined;
  if (none === undefined) return;
  if (config.arguments.length + config.variables.length > 0) log.info(none);
  else log.warn(`${none} ${NAME_A_CONFIGURATION}`);
}

/** `compute     http://127.0.0.1:8774  2 workers  [compute] in paste/api-paste.ini`, `images     topic images  2 workers`. */
function readyLine(
  service: PlannedApi | PlannedSectionService,
  addresses: readonly ListenAddress[],
  config: Config,
): string {
  const workers = isOneProcess(config) ? 'in this process' : countText(service.workers, 'worker');
  if ('topic' in service) return `${service.name.padEnd(10)} topic ${service.topic}  ${workers}`;
  const scheme = service.usesTls ? 'https' : 'http';
  const urls = addresses.map((each) => ('path' in each ? `unix:${each.path}` : `${scheme}://${formatAddress(each)}`));
  const file = service.pasteFile === undefined ? '' : ` in ${relative('', service.pasteFile)}`;
  return `${service.name.padEnd(10)} ${urls.join(' ')}  ${workers}  [${service.pipeline}]${file}`;
}

// `npx portico` and `npx portico`: npm runs the command in a shell, which ends at SIGTERM and leaves its child running.

const LOOK_MS = 200;

/** Calls `stop` when the shell between npx and this process has ended; does nothing if npx did not start it. */
function stopWithNpx(stop: () => void, host: Pick<NodeJS.Process, 'env' | 'ppid'> = process): void {
  const { npm_lifecycle_event: event, npm_lifecycle_script: script = '' } = host.env;
  if (event !== 'npx' || !/^["']?(?:api-cli|portico)\b/.test(script)) return;
  const timer = setInterval(() => {
    if (host.ppid === firstParent) return;
    clearInterval(timer);
    stop();
  }, LOOK_MS);
  timer.unref();
}
