/**
 * Refuses filters that no service in production may have, without `[DEFAULT] debug = true`.
 */
import { boolean, type Config, defineOptions } from '../config/index.js';
import { ConfigurationRefused, type Origin } from '../errors/index.js';

const debugFlag = defineOptions({
  debug: boolean({ default: false, mutable: true, help: 'Set the log level to debug, regardless of log_level.' }),
});

/** Throws `PORTICO_DEBUG_OFF` where debug is not true. `what` says what is refused and why, `instead` what to do. */
export function requireDebug(config: Config, what: string, instead: string, origin: Origin): void {
  if (!config.has('DEFAULT', 'debug')) config.register('DEFAULT', debugFlag);
  if (config.resolve('DEFAULT', 'debug').value === true) return;
  throw new ConfigurationRefused('PORTICO_DEBUG_OFF', {
    message: `${what}, and [DEFAULT] debug is not true`,
    hint: `Write debug = true in [DEFAULT] of portico.ini, or ${instead}.`,
    origin,
  });
}
