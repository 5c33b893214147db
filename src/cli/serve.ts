/**
 * `api-cli serve`, and `api-cli` alone: starts the enabled APIs in the foreground.
 */
import { relative } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../config/index.js';
import { PorticoError } from '../errors/index.js';
import { isWorker } from '../launch/index.js';
import type { Logger } from '../log/index.js';
import { formatAddress, type WSGIService } from '../server/index.js';
import type { ListenAddress } from '../service/index.js';
import { addAllProblems } from './all-problems.js';
import { addConfigurationOptions, addServeOptions, readWorkersWords, type ServeArguments } from './command-line.js';
import { readConfiguration, serversLogger } from './configuration.js';
import { enabledApis } from './enabled-apis.js';
import { NAME_A_CONFIGURATION, noConfiguration } from './no-configuration.js';
import { type MakeServices, runApis } from './run-apis.js';

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
