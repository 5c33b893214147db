/** Refuses filters that must not run in production, unless `[DEFAULT] debug = true`. */
import { boolean, type Config, defineOptions } from '../config/index.js';
import { ConfigurationRefused, type Origin } from '../errors/index.js';

const debugFlag = defineOptions({
  debug: boolean({ default: false, help: 'Log at level debug, regardless of log_level.' }),
});

/**
 * Throws `PORTICO_DEBUG_OFF` unless debug is true. `what` is the subject and reason of the message, `instead` an alternative for the
 * hint.
 */
export function requireDebug(config: Config, what: string, instead: string, origin: Origin): void {
  if (!config.has('DEFAULT', 'debug')) config.register('DEFAULT', debugFlag);
  if (config.resolve('DEFAULT', 'debug').value === true) return;
  throw new ConfigurationRefused('PORTICO_DEBUG_OFF', {
    message: `${what}, and [DEFAULT] debug is not true`,
    hint: `Write debug = true in [DEFAULT] of portico.ini, or ${instead}.`,
    origin,
  });
}
