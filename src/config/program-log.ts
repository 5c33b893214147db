/**
 * The log of a process: its options, its logger, and whether the configured file can be written. Only a start opens another file, and a
 * reload refuses a file that the next start would refuse; if the configured file differs from the open one, the logger reports that the
 * open one stays.
 */
import { accessSync, closeSync, constants, existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Diagnostic, Location } from '../errors/index.js';
import { createLogger, type Logger, type LoggerOptions, type LogLevel } from '../log/index.js';
import { openToAppend, refuseForeignLink } from '../process/index.js';
import type { Change } from './changes.js';
import { workerAssignment } from './load-config.js';
import { defineOptions } from './types/define-options.js';
import { boolean } from './types/number-types.js';
import { type OptionDeclarations, type OptionsOf, writtenElsewhere } from './types/option.js';
import { oneOf, path } from './types/text-types.js';
import { ConfigError } from './values/option-issues.js';

/** Options of `[DEFAULT]`. */
export const programLogOptions = defineOptions('DEFAULT', {
  debug: boolean({ default: false, help: 'Log at level debug, regardless of log_level.' }),
  log_level: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'silent'], {
    default: 'info',
    help: 'Lowest level to log. Only silent also suppresses starts, stops and reloads.',
  }),
  log_format: oneOf(['auto', 'json', 'text'], {
    default: 'auto',
    restart: true,
    help: 'Format of the log: json, text, or auto: text if standard error is a terminal and pino-pretty is installed, otherwise json. Unless it is json, a terminal also shows the ready services.',
  }),
  log_file: path({
    restart: true,
    help: 'File to append to instead of standard error. SIGHUP reopens it after a rotation.',
  }),
});
const NO_FOLDER = 'The log goes to standard error: write the whole path of a file as log_file.';

writtenElsewhere(programLogOptions, {
  unused: {
    log_dir: NO_FOLDER,
    logdir: NO_FOLDER,
    use_syslog:
      'Remove the line: the log goes to standard error, which systemd and containers collect, or to log_file.',
  },
});

/** The part of a configuration that a log needs. */
interface Logging {
  group<D extends OptionDeclarations>(name: string, options: D, from: { readonly partial: true }): OptionsOf<D>;
  has(group: string, opt: string): boolean;
  resolve(group: string, opt: string): { readonly value: unknown };
  getLocation(group: string, opt: string): Location;
  useLogger(log: Logger, options: { readonly level: (accepted: Logging) => LogLevel }): void;
}

/** Returns the logger of a command: on standard error, with the configuration's level as it changes, and its warnings. */
export function commandLogger(config: Logging): Logger {
  return followed(config, createLogger(loggerOptions(config)));
}

/**
 * Returns the logger of a process that serves, on `log_file` if that is set. If the file cannot be opened, the parent's check of the
 * configuration reports it; a worker reports it too, and logs to standard error. Refused options are reported by the same check, and have
 * no effect on the log.
 */
export function serversLogger(config: Logging, format?: 'text'): Logger {
  // Declares the options read next.
  const options = { ...acceptedOptions(config), ...(format === undefined ? {} : { format }) };
  const file = logFileOf(config);
  try {
    return followed(config, createLogger(file === undefined ? options : { ...options, file }));
  } catch (error) {
    if (file === undefined) throw error;
    const log = followed(config, createLogger(options));
    if (workerAssignment() !== undefined) log.warn(`${(error as Error).message}: this worker logs to standard error`);
    return log;
  }
}

function loggerOptions(config: Logging): LoggerOptions {
  const { logFormat } = config.group('DEFAULT', programLogOptions, { partial: true });
  return { level: levelOf(config), format: logFormat };
}

function acceptedOptions(config: Logging): LoggerOptions {
  try {
    return loggerOptions(config);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return {};
  }
}

/** Makes a log the process's, with the level that `level` returns for each configuration that is accepted. */
function followed(config: Logging, log: Logger, level = levelOf): Logger {
  config.useLogger(log, { level });
  return log;
}

/** Makes a log the process's. `log_level` and `debug` set its level, also in reloads; without them it keeps its present level. */
export function followLevel(config: Logging, log: Logger): Logger {
  const own = log.level;
  const levelIn = (next: Logging): LogLevel => {
    const { debug, logLevel } = next.group('DEFAULT', programLogOptions, { partial: true });
    const isSet = next.getLocation('DEFAULT', 'log_level').kind !== 'default';
    return debug ? 'debug' : isSet ? logLevel : own;
  };
  log.level = levelIn(config);
  return followed(config, log, levelIn);
}

function levelOf(config: Logging): LogLevel {
  const { debug, logLevel } = config.group('DEFAULT', programLogOptions, { partial: true });
  return debug ? 'debug' : logLevel;
}

/** Returns the file to log to; undefined for standard error. */
export function logFileOf(config: Logging): string | undefined {
  return config.resolve('DEFAULT', 'log_file').value as string | undefined;
}

/** Returns the error in `log_file`, if this process opens it: after a reload the file stays open, and the application's `logger` has none. */
export function logFileIssue(config: Logging): Diagnostic | undefined {
  const names = (opt: string): boolean => config.has('DEFAULT', opt) && Boolean(config.resolve('DEFAULT', opt).value);
  if ((workerAssignment()?.generation ?? 1) > 1 || names('logger') || !names('log_file')) return undefined;
  return issueOf(logFileOf(config), config.getLocation('DEFAULT', 'log_file'));
}

/** Throws `ConfigError` for a `log_file` that cannot be used, if a reload brings one. */
export function refuseOtherLogFile(changes: readonly Change[]): void {
  const change = changes.find(({ group, opt }) => group === 'DEFAULT' && opt === 'log_file');
  const issue = change && issueOf(change.new, change.newLocation);
  if (issue !== undefined) throw new ConfigError([issue]);
}

function issueOf(file: unknown, location: Location): Diagnostic | undefined {
  const reason = typeof file === 'string' ? cannotAppend(file) : undefined;
  if (reason === undefined) return undefined;
  return {
    severity: 'error',
    code: 'PORTICO_LOG_FILE',
    section: 'DEFAULT',
    option: 'log_file',
    location,
    message: `cannot write the log: ${reason}`,
    hint: 'This user must be able to write the file, or to create it in its directory.',
  };
}

/** Tries it without leaving a file behind: another user than the future writer may run the check. */
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
