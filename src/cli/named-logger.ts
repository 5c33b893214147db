/**
 * The logger that `[DEFAULT] logger` names: the application's own, in the parent and in every worker.
 */
import { dirname, resolve } from 'node:path';
import { type Config, defineOptions, type OptionMistake, string } from '../config/index.js';
import { followLevel, serversLogger } from '../config/internal.js';
import { ConfigurationRefused, type PorticoError, placeOf, Refusals, whatItIs } from '../errors/index.js';
import { isWorker } from '../launch/internal.js';
import { type ApplicationLogger, createLogger, type Logger } from '../log/index.js';
import { isApplicationLogger } from '../log/internal.js';
import { importModuleExport, makeFrom } from '../service/internal.js';

/** Option of `[DEFAULT]` for programs that run the services of a configuration. */
export const loggerOptions = defineOptions({
  logger: string({
    restart: true,
    help: 'Your own logger as module:export, such as ./logging.js:logger: a pino logger, an object with its methods, or a function that returns one. It writes all lines in its own format.',
  }),
});

/** The logger of a program that serves. */
export interface ProgramLog {
  readonly log: Logger;
  /** Refuses the start with the mistake in `logger`, together with all others; until then the program logs as without it. */
  readonly refusals: Refusals;
}

/** Returns the logger of a program that serves: the one that its configuration names, else the program's or one with `log_level` etc. */
export async function programLog(config: Config, format?: 'text'): Promise<ProgramLog> {
  const refusals = new Refusals();
  const log =
    (await refusals.gather(() => logOver(config))) ??
    (format === undefined ? config.log : serversLogger(config, format));
  // Its parent has checked the configuration, and reports why a worker did not start.
  if (isWorker()) refusals.refuse();
  return { log, refusals };
}

/** Returns a log over {@link namedLogger}. Its level is `log_level` or `debug` if one of them is set, else the logger's. */
async function logOver(config: Config): Promise<Logger | undefined> {
  const logger = await namedLogger(config);
  return logger === undefined ? undefined : followLevel(config, createLogger({ logger }));
}

/**
 * Imports the logger that the configuration names; undefined if it names none. Throws `PORTICO_LOGGER`, with the place of the option.
 */
export async function namedLogger(config: Config): Promise<ApplicationLogger | undefined> {
  const { logger: name } = config.group('DEFAULT', loggerOptions, { partial: true });
  if (name === undefined) return undefined;
  const { origin } = config.getLocation('DEFAULT', 'logger');
  const folder = dirname(resolve(origin?.file || (config.configFiles.at(-1) ?? './x')));
  let logger: unknown;
  try {
    logger = await makeFrom(await importModuleExport(name, { folder, allowExternalModules: true }), [config]);
  } catch (cause) {
    const { message, hint } = cause as PorticoError;
    throw new ConfigurationRefused('PORTICO_LOGGER', { message, hint, origin, cause });
  }
  if (isApplicationLogger(logger)) return logger;
  throw new ConfigurationRefused('PORTICO_LOGGER', {
    message: `${name} is ${whatItIs(logger)}, not a logger`,
    hint: 'A logger has the methods debug, info, warn, error and child, as pino() has; or export a function that returns it.',
    origin,
  });
}

/** Warnings about options of Portico's own log beside a named logger. */
export function optionsBesideLogger(config: Config): OptionMistake[] {
  if (!namesLogger(config)) return [];
  const message = `has no effect: logger (${placeOf(config.getLocation('DEFAULT', 'logger'))}) writes the lines`;
  const hint = 'remove it, or remove logger';
  const set = ['log_format', 'log_file'].filter((opt) => isSet(config, opt));
  return set.map((opt) => ({ group: 'DEFAULT', opt, message, hint, severity: 'warning' }));
}

/** Reports whether the configuration names a logger. */
export function namesLogger(config: Config): boolean {
  return isSet(config, 'logger');
}

function isSet(config: Config, opt: string): boolean {
  return config.has('DEFAULT', opt) && config.getLocation('DEFAULT', opt).kind !== 'default';
}
