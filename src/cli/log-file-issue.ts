/**
 * Whether the log can be written where the configuration wants it. Only a start opens another file, and a reload refuses what
 * the next start would refuse; where the file is still the one that is open, the logger says that it stays open.
 */

import { accessSync, closeSync, constants, existsSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Change, type Config, ConfigError } from '../config/index.js';
import type { Diagnostic, Place } from '../errors/index.js';
import { refuseForeignLink } from '../process/index.js';

/** The file to log to; undefined for standard error. */
export function logFileOf(config: Config): string | undefined {
  return config.resolve('DEFAULT', 'log_file').value as string | undefined;
}

/** What is wrong with `log_file`, if anything is. */
export function logFileIssue(config: Config): Diagnostic | undefined {
  const file = logFileOf(config);
  return file === undefined ? undefined : issueOf(file, config.getLocation('DEFAULT', 'log_file'));
}

/** Throws `ConfigError` for a `log_file` that cannot be used. */
export function refuseUnusableLogFile(config: Config): void {
  const issue = logFileIssue(config);
  if (issue !== undefined) throw new ConfigError([issue]);
}

/** The same for one that a reload brings. */
export function refuseOtherLogFile(changes: readonly Change[]): void {
  const change = changes.find(({ group, opt }) => group === 'DEFAULT' && opt === 'log_file');
  const issue = typeof change?.new === 'string' ? issueOf(change.new, change.newLocation) : undefined;
  if (issue !== undefined) throw new ConfigError([issue]);
}

function issueOf(file: string, place: Place): Diagnostic | undefined {
  const reason = cannotAppend(file);
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
    if (existsSync(file)) closeSync(openSync(file, 'a'));
    else accessSync(dirname(resolve(file)), constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
