/**
 * The log of a program: its options, its logger, and whether it can be written where the configuration wants it. Only a start
 * opens another file, and a reload refuses what the next start would refuse; where the file is still the one that is open, the
 * logger says that it stays open.
 */
import { accessSync, closeSync, constants, existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { contextFacts } from '../app/index.js';
import { boolean, type Change, type Config, ConfigError, defineOptions, oneOf, path } from '../config/index.js';
import { workerAssignment } from '../config/internal.js';
import type { Diagnostic, Place } from '../errors/index.js';
import { createLogger, type Logger, type LoggerOptions, type LogLevel } from '../log/index.js';
import { openToAppend, refuseForeignLink } from '../process/index.js';

/** Options of `[DEFAULT]`. */
export const logOptions = defineOptions({
  debug: boolean({ default: false, mutable: true, help: 'Log at level debug, whatever log_level says.' }),
  log_level: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'silent'], {
    default: 'info',
    mutable: true,
    help: 'How much is logged. What an operator causes (starts, stops, reloads, numbers of workers) is written at the level notice, which only silent keeps back.',
  }),
  log_format: oneOf(['auto', 'json', 'text'], {
    default: 'auto',
    restart: true,
    help: 'JSON lines, or readable text; auto is text where standard error is a terminal.',
  }),
  log_file: path({
    restart: true,
    help: 'A file that the log is appended to, by the parent and all workers, instead of standard error. SIGHUP opens it anew: rename it first, or copy and truncate it. One that cannot be opened refuses the start.',
  }),
  use_syslog: boolean({
    default: false,
    help: 'There is no way to syslog: true is refused. A service manager takes what is on standard error.',
  }),
});

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
  const file = logFileOf(config);
  const options = { ...acceptedOptions(config), ...(format === undefined ? {} : { format }) };
  try {
    return followed(config, createLogger(file === undefined ? options : { ...options, file }));
  } catch (error) {
    if (file === undefined) throw error;
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

/** The file to log to; undefined for standard error. */
export function logFileOf(config: Config): string | undefined {
  return config.resolve('DEFAULT', 'log_file').value as string | undefined;
}

/** What is wrong with `log_file`, if anything is. */
export function logFileIssue(config: Config): Diagnostic | undefined {
  return issueOf(logFileOf(config), config.getLocation('DEFAULT', 'log_file'));
}

/** Throws `ConfigError` for a `log_file` that cannot be used, where a reload brings one. */
export function refuseOtherLogFile(changes: readonly Change[]): void {
  const change = changes.find(({ group, opt }) => group === 'DEFAULT' && opt === 'log_file');
  const issue = change && issueOf(change.new, change.newLocation);
  if (issue !== undefined) throw new ConfigError([issue]);
}

function issueOf(file: unknown, place: Place): Diagnostic | undefined {
  const reason = typeof file === 'string' ? cannotAppend(file) : undefined;
  if (reason === undefined) return undefined;
  return {
    severity: 'error',
    code: 'PORTICO_LOG_FILE',
    section: 'DEFAULT',
    option: 'log_file',
    place,
    message: `the log cannot be written there: ${reason}`,
    hint: 'It has to be a file that this user may write, or its folder one where this user may make it.',
  };
}

/** Tries it without leaving a file behind: another user may ask than the one that will write. */
function cannotAppend(file: string): string | undefined {
  try {
    refuseForeignLink(file);
    if (existsSync(file)) closeSync(openToAppend(file, 0o640));
    else accessSync(dirname(resolve(file)), constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
