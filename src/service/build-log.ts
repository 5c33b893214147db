/**
 * Warnings that are the same in every worker of a service: only the first worker logs them.
 */
import { workerAssignment } from '../config/internal.js';
import type { Logger } from '../log/index.js';

/** A logger for as long as something is built. */
export interface BuildLog {
  /** In all workers but the first one warnings are written at debug, until `over` is called. */
  readonly log: Logger;
  /** From now on warnings are about what only this process has seen. */
  readonly over: () => void;
}

/** The logger for what is built, from the same files, in every worker of a service. */
export function buildLog(log: Logger, isFirst: boolean = isFirstWorker()): BuildLog {
  let quiet = !isFirst;
  if (!quiet) return { log, over: () => undefined };
  const over = (): void => {
    quiet = false;
  };
  return { log: lowered(log, () => quiet), over };
}

/** True in the first worker of a service, and in a process that is no worker. */
export function isFirstWorker(): boolean {
  return (workerAssignment()?.index ?? 0) === 0;
}

function lowered(log: Logger, quiet: () => boolean): Logger {
  return {
    get level() {
      return log.level;
    },
    set level(level) {
      log.level = level;
    },
    debug: (first: unknown, ...rest: unknown[]) => log.debug(first, ...rest),
    info: (first: unknown, ...rest: unknown[]) => log.info(first, ...rest),
    warn: (first: unknown, ...rest: unknown[]) => log[quiet() ? 'debug' : 'warn'](first, ...rest),
    error: (first: unknown, ...rest: unknown[]) => log.error(first, ...rest),
    notice: (first: unknown, ...rest: unknown[]) => log.notice(first, ...rest),
    child: (fields) => lowered(log.child(fields), quiet),
    enabled: log.enabled.bind(log),
    ...(log.reopen === undefined ? {} : { reopen: () => log.reopen?.() }),
  };
}
