/** Logs warnings that are the same in every worker of a service only once, in the first worker. */
import { workerAssignment } from '../config/internal.js';
import type { Logger } from '../log/index.js';

/** A logger for one build. */
export interface BuildLog {
  /** Writes warnings at level debug until `over` is called, except in the first worker. */
  readonly log: Logger;
  /** Ends the build: further warnings concern only this process and keep their level. */
  readonly over: () => void;
}

/** Returns a logger for objects that every worker of a service builds from the same files. */
export function buildLog(log: Logger, isFirst: boolean = isFirstWorker()): BuildLog {
  let quiet = !isFirst;
  if (!quiet) return { log, over: () => undefined };
  const over = (): void => {
    quiet = false;
  };
  return { log: lowered(log, () => quiet), over };
}

/** Reports whether this process is the first worker of a service, or not a worker. */
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
