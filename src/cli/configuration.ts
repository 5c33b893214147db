/**
 * What every command reads first: the configuration that its options name.
 */
import { contextFacts } from '../app/index.js';
import { Config, ConfigError, type LoadOptions } from '../config/index.js';
import { searchedDirs, workerAssignment } from '../config/internal.js';
import type { Diagnostic } from '../errors/index.js';
import { createLogger, type Logger, type LoggerOptions, type LogLevel } from '../log/index.js';
import type { ConfigurationArguments } from './command-line.js';
import { addCrossChecks } from './cross-checks.js';
import { logFileOf } from './log-file-issue.js';
import { logOptions } from './log-options.js';
import { programOptions } from './shipped-options.js';

/** Reads the configuration. With `collect`, what is wrong with the files waits for `config.validate()`. */
export async function readConfiguration(
  args: ConfigurationArguments,
  more: Pick<LoadOptions, 'collect' | 'log'> & { readonly set?: readonly string[] } = {},
): Promise<Config> {
  const { set = [], ...rest } = more;
  const config = await Config.load({
    ...(args.configFile === undefined ? {} : { files: args.configFile }),
    ...(args.configDir === undefined ? {} : { dirs: args.configDir }),
    set: [...(args.set ?? []), ...set],
    ...rest,
  });
  for (const { group, options } of programOptions) config.register(group, options);
  addCrossChecks(config);
  return config;
}

/** The logger of a command: on standard error, with the configuration's level as that changes, and its own warnings. */
export function configuredLogger(config: Config): Logger {
  return followed(config, createLogger(loggerOptions(config)));
}

/**
 * The same for a program that serves, in `log_file` where that is set. In the parent a file that cannot be opened is found
 * by the judgement of the configuration; a worker writes on standard error then, and says so. Options that are refused are
 * told by that judgement as well, with all other mistakes: it is logged as if they were not set.
 */
export function serversLogger(config: Config, format?: 'text'): Logger {
  const logFile = logFileOf(config);
  const options = { ...acceptedOptions(config), ...(format === undefined ? {} : { format }) };
  if (logFile === undefined) return followed(config, createLogger(options));
  try {
    return followed(config, createLogger({ ...options, file: logFile }));
  } catch (error) {
    const log = followed(config, createLogger(options));
    if (workerAssignment() !== undefined) log.warn(`${(error as Error).message}: this worker logs to standard error`);
    return log;
  }
}

function loggerOptions(config: Config): LoggerOptions {
  const { logFormat } = config.group('DEFAULT', logOptions, { partial: true });
  return { level: levelOf(config), format: logFormat, facts: contextFacts };
}

function acceptedOptions(config: Config): LoggerOptions {
  try {
    return loggerOptions(config);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { facts: contextFacts };
  }
}

function followed(config: Config, log: Logger): Logger {
  config.useLogger(log);
  config.onMutate((next) => {
    log.level = levelOf(next);
  });
  return log;
}

function levelOf(config: Config): LogLevel {
  const { debug, logLevel } = config.group('DEFAULT', logOptions, { partial: true });
  return debug ? 'debug' : logLevel;
}

/** What keeps the files from being read, where none of them was: everything else that is wrong follows from it. */
export function unread(config: Config): readonly Diagnostic[] {
  if (config.configFiles.length > 0) return [];
  return config.problems({ complete: false }).filter(({ code }) => code === 'PORTICO_CONFIG_FILE');
}

/** Throws ConfigError with that alone. */
export function refuseUnread(config: Config): void {
  const issues = unread(config);
  if (issues.length > 0) throw new ConfigError(issues);
}

/** That no configuration file was found, and where it was looked for; undefined where there is one. */
export function noConfiguration(config: Config): string | undefined {
  if (config.configFiles.length > 0) return undefined;
  const places = searchedDirs({ project: 'portico', prog: '', env: process.env });
  return `No configuration file was found: neither portico.ini nor paste/portico.ini in ${process.cwd()}, nor portico.conf in ${places.join(', ')}.`;
}

/** What to do about {@link noConfiguration}. */
export const NAME_A_CONFIGURATION = 'Name one with --config-file, or go to its folder first.';
