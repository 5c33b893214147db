/**
 * The name of this machine.
 */
import type { Config } from '../config/index.js';
import { heartbeatOptions } from '../registry/internal.js';

/** Returns the name of this machine in service records and remote calls: `[DEFAULT] host`. */
export function hostOf(config: Config): string {
  return config.group('DEFAULT', heartbeatOptions, { partial: true }).host;
}
