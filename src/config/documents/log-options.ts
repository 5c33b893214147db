/**
 * Every option a process runs with, in its log: what oslo.config's log_opt_values prints, with every secret masked.
 */
import type { Logger } from '../../log.js';
import type { Config } from '../config.js';
import { isSecret, maskText, maskValue } from '../values/mask.js';
import type { Resolved } from '../values/resolver.js';

/** Writes sources and values at level debug: `[DEFAULT]` first, then group by group, each sorted by name. */
export function logOptions(config: Config, log: Logger): void {
  if (!log.enabled('debug')) return;
  log.debug('Full set of CONF:');
  log.debug('*'.repeat(80));
  log.debug('Configuration options gathered from:');
  log.debug(`command line args: ${JSON.stringify(maskedArguments(config))}`);
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

function maskedArguments(config: Config): string[] {
  return config.arguments.map(({ group, opt, value }) => {
    const option = config.has(group, opt) ? config.resolve(group, opt).option : undefined;
    return `--set ${group}.${opt}=${isSecret(opt, option) ? '****' : maskText(opt, option, value)}`;
  });
}
