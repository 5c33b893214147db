/**
 * Whether the log can be written where the configuration wants it. Judged at a start alone: a reload keeps the file that is
 * open.
 */
import { accessSync, closeSync, constants, existsSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Config, ConfigError, type ConfigIssue } from '../config/index.js';

/** What is wrong with `log_file`, if anything is. */
export function logFileIssue(config: Config): ConfigIssue | undefined {
  const logFile = config.resolve('DEFAULT', 'log_file').value as string | undefined;
  const reason = logFile === undefined ? undefined : cannotAppend(logFile);
  if (reason === undefined) return undefined;
  const [group, opt] = ['DEFAULT', 'log_file'];
  return {
    severity: 'error',
    code: 'PORTICO_LOG_FILE',
    group,
    opt,
    location: config.getLocation(group, opt),
    message: `the log cannot be written there: ${reason}`,
    hint: 'It has to be a file that this user may write, or its folder one where this user may make it.',
  };
}

/** Throws `ConfigError` for a `log_file` that cannot be used. */
export function refuseUnusableLogFile(config: Config): void {
  const issue = logFileIssue(config);
  if (issue !== undefined) throw new ConfigError([issue]);
}

/** Tries it without leaving a file behind: another user may ask than the one that will write. */
function cannotAppend(file: string): string | undefined {
  try {
    if (existsSync(file)) closeSync(openSync(file, 'a'));
    else accessSync(dirname(resolve(file)), constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
