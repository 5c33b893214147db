/**
 * The exit statuses of launchers and workers: one table.
 */
import { ConfigurationRefused } from '../errors/index.js';

/** Stopped as asked, everything ended in time. */
export const STATUS_STOPPED = 0;
/** A start failed, a stop failed, work had to be cut off, or SIGINT. */
export const STATUS_FAILED = 1;
/** An unhandled error ended a worker. */
export const STATUS_UNHANDLED = 2;
/** The configuration was refused: `EX_CONFIG` of sysexits.h. */
export const STATUS_REFUSED = 78;

/** True for an error that says that the configuration, and not the program, is at fault. */
export function isRefusal(error: unknown): boolean {
  // A factory that failed: the paste file names it, and its code is at fault.
  if ((error as { blamesConfiguration?: unknown } | null | undefined)?.blamesConfiguration === false) return false;
  if (error instanceof ConfigurationRefused) return true;
  // An application may have loaded a second copy of this package; its classes are others, its names are the same.
  for (let kind: unknown = error; kind instanceof Error; kind = Object.getPrototypeOf(kind)) {
    const name = kind.constructor.name;
    if (name === 'ConfigurationRefused' || name === 'ConfigError' || name === 'PasteError') return true;
    if (name === 'Error') return false;
  }
  return false;
}

/** The status of a process whose service failed with this error. */
export function statusOf(error: unknown): number {
  const chosen = chosenStatus(error);
  if (chosen !== undefined) return chosen;
  return isRefusal(error) ? STATUS_REFUSED : STATUS_FAILED;
}

/** The status a service chose by throwing a `ServiceExit`; undefined for any other error. */
export function chosenStatus(error: unknown): number | undefined {
  const exit = error as { code?: unknown; exitCode?: unknown } | null | undefined;
  if (exit?.code !== 'PORTICO_SERVICE_EXIT') return undefined;
  const { exitCode } = exit;
  // Another error may have this code, with a number that no process can exit with.
  return Number.isInteger(exitCode) && (exitCode as number) >= 0 && (exitCode as number) <= 255
    ? (exitCode as number)
    : undefined;
}

/** True for a status that only a service can have chosen. */
export function isChosen(status: number | undefined): boolean {
  return status !== undefined && ![STATUS_STOPPED, STATUS_FAILED, STATUS_UNHANDLED, STATUS_REFUSED].includes(status);
}
