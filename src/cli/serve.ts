/**
 * `api-cli serve`, and `api-cli` alone: starts the enabled APIs and services in the foreground.
 */
import { relative } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../config/index.js';
import { UsageError, workerAssignment } from '../config/internal.js';
import type { Diagnostic } from '../errors/index.js';
import { isBuild, isWorker, tellBuilt } from '../launch/internal.js';
import type { Logger } from '../log/index.js';
import type { RPCService } from '../rpc/index.js';
import { WSGIService, type WSGIServiceOptions } from '../server/index.js';
import type { ListenAddress } from '../service/index.js';
import { formatAddress } from '../service/internal.js';
import { example } from './command.js';
import { addConfigurationOptions, addServeOptions, type ServeArguments } from './command-line.js';
import { NAME_A_CONFIGURATION, noConfiguration, readConfiguration } from './configuration.js';
import type { DevelopmentFiles } from './development-files.js';
import { type EnabledApisOptions, enabledApis } from './enabled-apis.js';
import { enabledServices } from './enabled-services.js';
import { endSoon } from './failure.js';
import { serviceNames } from './names.js';
import { buildAll, type JudgeOptions, judge, plan, refuseErrors } from './plan.js';
import { serversLogger } from './program-log.js';
import { type MakeServices, runJudged } from './run-apis.js';

export function register(program: Command): void {
  const command = program
    .command('serve', { isDefault: true })
    .description('start the enabled APIs and services in the foreground (what api-cli does when no command is named)')
    .addHelpText(
      'after',
      `${example('api-cli serve --enabled-apis compute,metadata --config-file portico.ini')}\n  api-cli serve --enabled-services conductor`,
    );
  addConfigurationOptions(addServeOptions(command)).action(async () => {
    process.exitCode = await serve(command.optsWithGlobals<ServeArguments>());
  });
}

/** `serve` with its options. In a worker, where the configuration comes from the parent: those that are none of the configuration's. */
export async function serve(args: ServeArguments): Promise<number> {
  refuseEmpty('--enabled-apis names no API', args.enabledApis);
  refuseEmpty('--enabled-services names no service', args.enabledServices);
  const set: string[] = [];
  if (args.enabledApis !== undefined || args.enabledServices !== undefined) {
    // What is named on the command line is all that starts.
    set.push(
      `DEFAULT.enabled_apis=${args.enabledApis ?? ''}`,
      `DEFAULT.enabled_services=${args.enabledServices ?? ''}`,
    );
  }
  if (args.enabledSslApis !== undefined) set.push(`DEFAULT.enabled_ssl_apis=${args.enabledSslApis}`);
  const { dev = false, traceErrors = false } = args;
  const config = await readConfiguration(args, { set, collect: true });
  const log = serversLogger(config, dev ? 'text' : undefined);
  tellNoConfiguration(config, args, log);
  // What a start would find wrong, all of it, for `check` and for reloads.
  if (isBuild()) await tellBuilt(await buildAll(config, { dev }));
  const services: MakeServices = async (current, role, running) => {
    const make = (name: string, rest: WSGIServiceOptions) => new ServedApi(name, current, { ...rest, traceErrors });
    const options = { log, dev, running, make };
    return role === 'worker' ? ofWorker(current, options) : ofParent(current, options);
  };
  const development = dev ? await import('./development-files.js') : undefined;
  let files: DevelopmentFiles | undefined;
  const status = await runJudged(services, {
    config,
    log,
    launching: (launcher) => {
      if (launcher.role === 'worker') development?.answerModules(launcher);
      else if (development !== undefined) files = new development.DevelopmentFiles(launcher, config, log);
    },
    onReady: (service, addresses) => {
      process.stdout.write(`${readyLine(service as WSGIService | RPCService, addresses)}\n`);
      void files?.follow();
    },
    judge: async () => (await judge(config, { dev })).diagnostics,
    traceErrors,
  });
  // An application that was imported to judge it may hold the process.
  if (!isWorker()) endSoon(status);
  return status;
}

async function ofParent(config: Config, options: EnabledApisOptions): Promise<(WSGIService | RPCService)[]> {
  const { apis, services, diagnostics } = await plan(config, options);
  config.warn(diagnostics.map(asLogged));
  refuseErrors(diagnostics);
  return [...apis, ...services];
}

/** Its parent has judged the configuration. A worker of an API loads nothing of services, and that of a service nothing of APIs. */
async function ofWorker(config: Config, options: EnabledApisOptions): Promise<readonly (WSGIService | RPCService)[]> {
  const isService = serviceNames(config).includes(workerAssignment()!.service);
  const { services, diagnostics } = await (isService ? enabledServices : enabledApis)(config, options);
  refuseErrors(diagnostics);
  return services;
}

function refuseEmpty(message: string, names: string | undefined): void {
  if (names === undefined || names.split(',').some((name) => name.trim() !== '')) return;
  const hint = 'Write names between commas, or leave the option out for what the configuration enables.';
  throw new UsageError(message, hint);
}

/** As the log has it: in words that oslo's operators know. */
function asLogged(diagnostic: Diagnostic): Diagnostic {
  if (diagnostic.code !== 'PORTICO_PASTE_NO_SECTION') return diagnostic;
  const message = `${diagnostic.message}. enabled_apis includes bad values. Fix to remove this warning.`;
  return { ...diagnostic, message };
}

/** An API of `api-cli`. It judges names that only the application may have declared, where that is loaded. */
class ServedApi extends WSGIService {
  readonly #config: Config;
  readonly #traceErrors: boolean;

  constructor(name: string, config: Config, options: WSGIServiceOptions & { readonly traceErrors: boolean }) {
    super(name, config, options);
    this.#config = config;
    this.#traceErrors = options.traceErrors;
  }

  override async prepare(next: Config = this.#config): Promise<() => Promise<void>> {
    if (!this.#hasStrangers(next)) return super.prepare(next);
    await this.#refuseStrangers(next, false);
    const letGo = await super.prepare(next);
    try {
      // Its factories may have declared what they read.
      if (this.#hasStrangers(next)) await this.#refuseStrangers(next, { but: this.name });
      return letGo;
    } catch (error) {
      await letGo();
      throw error;
    }
  }

  /** With `--trace-errors` the stack of a failed start's cause is written in the process where it happened. */
  override async start(): Promise<void> {
    try {
      // The start takes over what is built here.
      if (this.#hasStrangers(this.#config)) await this.prepare();
      await super.start();
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      if (this.#traceErrors && cause instanceof Error) process.stderr.write(`${cause.stack ?? cause.message}\n`);
      throw error;
    }
  }

  /** Names that nothing here has declared. Looked for by the first worker, where an argument has them or under `strict_config`. */
  #hasStrangers(config: Config): boolean {
    const strict = config.resolve('DEFAULT', 'strict_config').value === true;
    const worker = workerAssignment()?.index ?? 0;
    return worker === 0 && (strict || config.arguments.length > 0) && config.problems().some(isStranger);
  }

  /** Those that nothing else has declared either. */
  async #refuseStrangers(config: Config, build: JudgeOptions['build']): Promise<void> {
    const { diagnostics } = await judge(config.copy(), { build });
    const here = config.problems().filter(isStranger);
    const isHere = ({ section, option }: Diagnostic): boolean =>
      here.some((each) => each.section === section && each.option === option);
    refuseErrors(diagnostics.filter((each) => isStranger(each) && isHere(each)));
  }
}

function isStranger({ severity, code }: Diagnostic): boolean {
  return severity === 'error' && code.startsWith('PORTICO_CONFIG_UNKNOWN_');
}

/** Says that no configuration file was found: a warning where nothing else says what to serve. */
function tellNoConfiguration(config: Config, args: ServeArguments, log: Logger): void {
  const none = args.configFile === undefined && !isWorker() ? noConfiguration(config) : undefined;
  if (none === undefined) return;
  if (config.arguments.length + config.variables.length > 0) log.info(none);
  else log.warn(`${none} ${NAME_A_CONFIGURATION}`);
}

/** `compute     http://127.0.0.1:8774  2 workers  [compute] in paste/api-paste.ini`, `images     topic images  2 workers`. */
function readyLine(service: WSGIService | RPCService, addresses: readonly ListenAddress[]): string {
  const workers = `${service.workers} ${service.workers === 1 ? 'worker' : 'workers'}`;
  if (!(service instanceof WSGIService)) return `${service.name.padEnd(10)} topic ${service.topic}  ${workers}`;
  const scheme = service.usesTls ? 'https' : 'http';
  const urls = addresses.map((each) => ('path' in each ? `unix:${each.path}` : `${scheme}://${formatAddress(each)}`));
  const file = service.pasteFile === undefined ? '' : ` in ${relative('', service.pasteFile)}`;
  return `${service.name.padEnd(10)} ${urls.join(' ')}  ${workers}  [${service.pipeline}]${file}`;
}
