/**
 * The logger that `[DEFAULT] logger` names: the application's own, in the parent and in every worker.
 */
import { type Config, defineOptions, string } from '../../config/index.js';
import { crossCheck, diagnose, followLevel, isSet, serversLogger } from '../../config/internal.js';
import {
  ConfigurationRefused,
  locationText,
  PorticoError,
  Refusals,
  reasonOf,
  severalRefusals,
  shownPath,
  whatItIs,
} from '../../errors/index.js';
import { isWorker } from '../../launch/internal.js';
import { createLogger, type Logger } from '../../log/index.js';
import { isApplicationLogger } from '../../log/internal.js';
import { thrownAt } from '../../modules/index.js';
import { besideOption, importModuleExport, makeFrom } from '../../service/internal.js';
import { within } from '../../tasks/internal.js';

/** Option of `[DEFAULT]` for applications that run the services of a configuration. */
export const loggerOptions = defineOptions('DEFAULT', {
  logger: string({
    restart: true,
    help: 'Your logger, such as ./logging.js:logger: pino, an object with its methods, or a function that returns one.',
  }),
});

/** The logger of an application that serves. */
export interface ProgramLog {
  readonly log: Logger;
  /** Refuses the start with the error in `logger`, together with all others; until then the application logs as without it. */
  readonly refusals: Refusals;
}

/** Returns the logger of an application that serves: the one that its configuration names, else the application's own or Portico's. */
export async function programLog(config: Config, format?: 'text'): Promise<ProgramLog> {
  const refusals = new Refusals();
  const named = await refusals.gather(() => namedLogger(config));
  // Its parent has checked the configuration, and reports why a worker did not start.
  if (isWorker()) refusals.refuse();
  if (named !== undefined) return { log: followLevel(config, named), refusals };
  return { log: format === undefined ? config.log : serversLogger(config, format), refusals };
}

/** Returns the name of the logger in a configuration, if it has one. */
export function loggerName(config: Config): string | undefined {
  return config.group('DEFAULT', loggerOptions, { partial: true }).logger;
}

/** Milliseconds for a module to give its logger: a promise that never settles must not end a start in silence. */
const PATIENCE_MS = 10_000;

/**
 * Imports the logger that the configuration names, and returns a log that passes its lines to it; undefined if it names none. Throws
 * `PORTICO_LOGGER`, with the location of the option.
 */
export async function namedLogger(config: Config): Promise<Logger | undefined> {
  const name = loggerName(config);
  if (!name) return undefined;
  const { origin } = config.getLocation('DEFAULT', 'logger');
  const imported = async (): Promise<unknown> => {
    const value = await importModuleExport(name, besideOption(config, origin));
    return isApplicationLogger(value) ? value : makeFrom(value, [config]);
  };
  try {
    const late = (): never => {
      throw refusal(config, `${name} has given no logger in ${PATIENCE_MS / 1000} s`, LATE);
    };
    const logger = await within(imported(), PATIENCE_MS, late);
    if (isApplicationLogger(logger)) return createLogger({ logger });
    throw refusal(config, `${name} is ${whatItIs(logger)}, not a logger`, NO_LOGGER);
  } catch (cause) {
    if (cause instanceof ConfigurationRefused) throw cause;
    if (cause instanceof PorticoError) throw refusal(config, cause.message, cause.hint, cause);
    const place = thrownAt(cause);
    const where = place === undefined ? '' : ` (${shownPath(place)})`;
    const why = cause instanceof Error ? cause.message : `it has thrown ${whatItIs(cause)}`;
    throw refusal(config, `${name}: ${why}${where}`, undefined, cause);
  }
}

const NO_LOGGER =
  'A logger has the methods debug, info, warn, error and child, as pino() has; or export a function that returns it.';
const LATE = 'A promise of the module, or of its function, does not settle.';

function refusal(config: Config, message: string, hint?: string, cause?: unknown): ConfigurationRefused {
  const found = diagnose(config, { code: 'PORTICO_LOGGER', group: 'DEFAULT', opt: 'logger', message, hint });
  return severalRefusals([{ ...found, reason: reasonOf(cause) }], { cause });
}

/** Options of Portico's own log have no effect beside a named logger. */
crossCheck((config: Config) => {
  if (!namesLogger(config)) return [];
  const message = `has no effect: logger (${locationText(config.getLocation('DEFAULT', 'logger'))}) writes the lines`;
  const hint = 'remove it, or remove logger';
  const set = ['log_format', 'log_file'].filter((opt) => isSet(config, 'DEFAULT', opt));
  return set.map((opt) => ({ group: 'DEFAULT', opt, message, hint, severity: 'warning' }));
});

/** Reports whether the configuration names a logger. */
export function namesLogger(config: Config): boolean {
  return isSet(config, 'DEFAULT', 'logger') && config.resolve('DEFAULT', 'logger').value !== '';
}
