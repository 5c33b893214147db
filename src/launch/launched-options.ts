/**
 * Options that every program with a launcher has, and the check of a configuration that its program has not checked:
 * all misspelt names of a file are refused at once, before anything starts.
 */
import { type Config, ConfigError, type OptionDeclarations } from '../config/index.js';
import { logFileIssue, syslogAsked } from '../config/internal.js';
import { metricsOptions } from '../metrics/index.js';
import {
  adminOptions,
  backdoorOptions,
  controlOptions,
  reportOptions,
  supervisorOptions,
} from '../operating/internal.js';
import { heartbeatOptions } from '../registry/internal.js';
import { managerOptions } from '../service/internal.js';
import { launcherOptions } from './launcher-options.js';

/** Options of every program with a launcher, each with its group. */
export const launchedOptions: readonly { readonly group: string; readonly options: OptionDeclarations }[] = [
  { group: 'DEFAULT', options: launcherOptions },
  { group: 'DEFAULT', options: managerOptions },
  { group: 'DEFAULT', options: heartbeatOptions },
  { group: 'DEFAULT', options: backdoorOptions },
  { group: 'DEFAULT', options: supervisorOptions },
  { group: 'control', options: controlOptions },
  { group: 'admin', options: adminOptions },
  { group: 'metrics', options: metricsOptions },
  { group: 'oslo_reports', options: reportOptions },
];

/**
 * Throws `ConfigError` with all mistakes, and logs warnings. An unknown name in a declared group is an error. In
 * `[DEFAULT]` it is a warning if it is similar to a known name. Unknown sections are ignored: code that is loaded
 * later, or in workers only, may declare them.
 */
export function judgeConfiguration(config: Config): void {
  for (const { group, options } of launchedOptions) config.register(group, options);
  // A program with its own logger reads none of these options.
  const logs = config.has('DEFAULT', 'log_file');
  if (logs) config.check(syslogAsked);
  const unlogged = logs ? logFileIssue(config) : undefined;
  const issues = [...config.problems({ complete: false }), ...(unlogged === undefined ? [] : [unlogged])];
  config.warn(issues);
  if (issues.some(({ severity }) => severity === 'error')) throw new ConfigError(issues);
}
