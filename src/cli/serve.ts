/**
 * `api-cli serve`, and `api-cli` alone: starts the enabled APIs in the foreground.
 */
import { relative } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../config/index.js';
import { PorticoError, type Refusals } from '../errors/index.js';
import { isWorker } from '../launch/internal.js';
import { Loader } from '../loader/index.js';
import type { Logger } from '../log/index.js';
import type { WSGIService } from '../server/index.js';
import { formatAddress, servingOptions } from '../server/internal.js';
import type { ListenAddress } from '../service/index.js';
import { addConfigurationOptions, addServeOptions, readWorkersWords, type ServeArguments } from './command-line.js';
import { NAME_A_CONFIGURATION, noConfiguration, readConfiguration, serversLogger } from './configuration.js';
import { enabledApis } from './enabled-apis.js';
import { type MakeServices, runApis } from './run-apis.js';
import { registerShippedOptions } from './shipped-options.js';

export function register(program: Command): void {
  const command = program
    .command('serve', { isDefault: true })
    .description('start the enabled APIs in the foreground (what api-cli does when no command is named)');
  addConfigurationOptions(addServeOptions(command)).action(async (given: ServeArguments) => {
    process.exitCode = await serve(given, command.optsWithGlobals<{ traceErrors?: boolean }>().traceErrors === true);
  });
}

/**
 * `serve` in a worker, where the configuration comes from the parent: of the command line there is only that to know which
 * is none of the configuration's.
 */
export function serveInWorker(words: readonly string[]): Promise<number> {
  const { dev, traceErrors } = readWorkersWords(words);
  return serve({ dev }, traceErrors);
}

/** `serve` with its options. */
export async function serve(given: ServeArguments, traceErrors: boolean): Promise<number> {
  if (given.enabledApis?.split(',').every((name) => name.trim() === '')) {
    throw new PorticoError('PORTICO_USAGE', {
      message: '--enabled-apis names no API',
      hint: 'Write names between commas, or leave the option out for those of the configuration.',
    });
  }
  const set: string[] = [];
  if (given.enabledApis !== undefined) set.push(`DEFAULT.enabled_apis=${given.enabledApis}`);
  if (given.enabledSslApis !== undefined) set.push(`DEFAULT.enabled_ssl_apis=${given.enabledSslApis}`);
  const dev = given.dev === true;
  const config = await readConfiguration(given, { set, collect: true });
  const log = serversLogger(config, dev ? 'text' : undefined);
  tellOfNone(config, given, log);
  const services: MakeServices = (current, role, running) =>
    enabledApis(current, { log, dev, traceErrors, quiet: role === 'worker', running });
  return runApis(services, {
    config,
    log,
    onReady: (service, addresses) => process.stdout.write(`${readyLine(service as WSGIService, addresses)}\n`),
    moreProblems: addAllProblems,
  });
}

/** Says that no configuration file was found: a warning where nothing else says what to serve. */
function tellOfNone(config: Config, given: ServeArguments, log: Logger): void {
  const none = given.configFile === undefined && !isWorker() ? noConfiguration(config) : undefined;
  if (none === undefined) return;
  if (config.arguments.length + config.variables.length > 0) log.info(none);
  else log.warn(`${none} ${NAME_A_CONFIGURATION}`);
}

/** `compute     http://127.0.0.1:8774  2 workers  [compute] in paste/api-paste.ini`. */
function readyLine(service: WSGIService, addresses: readonly ListenAddress[]): string {
  const scheme = service.usesTls ? 'https' : 'http';
  const urls = addresses.map((each) => ('path' in each ? `unix:${each.path}` : `${scheme}://${formatAddress(each)}`));
  const workers = `${service.workers} ${service.workers === 1 ? 'worker' : 'workers'}`;
  const file = service.pasteFile === undefined ? '' : ` in ${relative('', service.pasteFile)}`;
  return `${service.name.padEnd(10)} ${urls.join(' ')}  ${workers}  [${service.pipeline}]${file}`;
}

/**
 * Judges the configuration by every option that ships, and the paste file by its factories; adds every error. An API
 * that was refused at its first option never asked for the others.
 */
export async function addAllProblems(config: Config, problems: Refusals): Promise<void> {
  await problems.gather(() => registerShippedOptions(config));
  await problems.gather(() => config.validate({ complete: false }));
  const { apiPasteConfig } = config.group('DEFAULT', servingOptions, { partial: true });
  const path = config.findFile(apiPasteConfig);
  if (path === undefined) return;
  const found = await Loader.checkFile(path, { config, trial: false });
  const errors = found.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return;
  // The whole of the paste file says more than what was met there first.
  const files = new Set(errors.map(({ place }) => place?.origin?.file));
  problems.drop(({ code, place, section }) => {
    const file = place?.origin?.file;
    return code.startsWith('PORTICO_PASTE_') && (file === undefined ? section === undefined : files.has(file));
  });
  problems.add(errors.map((each) => ({ ...each, showLine: true })));
}
