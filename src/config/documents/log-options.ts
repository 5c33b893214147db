/**
 * Every option a process runs with, in its log: what oslo.config's log_opt_values prints, with every secret masked.
 */
import type { Logger } from '../../log/index.js';
import type { Config } from '../config.js';
import { maskValue } from '../values/mask.js';
import type { Resolved } from '../values/resolver.js';

/** Writes sources and values at level debug: `[DEFAULT]` first, then group by group, each sorted by name. */
export function logOptions(config: Config, log: Logger): void {
  if (!log.enabled('debug')) return;
  log.debug('Full set of CONF:');
  log.debug('*'.repeat(80));
  log.debug('Configuration options gathered from:');
  log.debug(`command line args: ${JSON.stringify(config.maskArguments(settings(config)))}`);
  log.debug(`config files: ${JSON.stringify(config.configFiles)}`);
  log.debug('='.repeat(80));
  for (const resolved of sortedOptions(config)) {
    const { group, opt, option, value, location } = resolved;
    const name = group === 'DEFAULT' ? opt : `${group}.${opt}`;
    log.debug(`${name.padEnd(30)} = ${maskValue(opt, option, value)}`, { from: location.detail });
  }
  log.debug('*'.repeat(80));
}

/** Declared options as they are listed: `DEFAULT` first, then groups by name; within a group by name. */
export function sortedOptions(config: Config): Resolved[] {
  const key = ({ group, opt }: Resolved) => `${group === 'DEFAULT' ? '' : group}\u0000${opt}`;
  return config.resolveAll().toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** What was said about options, one `--set` for each. */
function settings(config: Config): string[] {
  return config.arguments.map(({ group, opt, value }) => `--set=${group}.${opt}=${value}`);
}
