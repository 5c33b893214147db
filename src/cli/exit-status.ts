/** The exit status of a command that failed with an error: one table for all commands. */
import { ConfigurationRefused } from '../errors/index.js';

/** The configuration was refused: `EX_CONFIG` of sysexits.h. */
export const STATUS_REFUSED = 78;
/** The command line is wrong. */
export const STATUS_USAGE = 2;

export function exitStatusOf(error: unknown): number {
  if (error instanceof ConfigurationRefused) return error.blamesConfiguration ? STATUS_REFUSED : 1;
  // Anything can be thrown, undefined as well.
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return code === 'PORTICO_USAGE' ? STATUS_USAGE : 1;
}
