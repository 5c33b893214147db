/**
 * The log of `--dev`: short lines for a developer. At level debug it has all lines, with their fields.
 */
import type { Logger } from '../../log/index.js';
import type { Save } from './development-files.js';
import type { Role } from './run-apis.js';

/** Fields of every line of a worker: a development server has one worker of each service. */
const OF_WORKER = ['workerId', 'service'];

/** Returns a log that leaves out routine of the launcher and fields of Portico; fields of the application stay. */
export function developmentLog(log: Logger, role: Role, save: Readonly<Save>): Logger {
  return shortened(log, log, (level, fields) => isRoutine(level, fields, role, save), role);
}

/** `full` writes the lines at level debug, `short` all others. */
function shortened(
  full: Logger,
  short: Logger,
  isLeftOut: (level: string, fields: Fields) => boolean,
  role: Role,
): Logger {
  const method =
    (level: 'info' | 'warn' | 'error' | 'notice') =>
    (first: unknown, ...rest: unknown[]): void => {
      const fields = Object(first) as Fields;
      if (full.enabled('debug')) full[level](first, ...rest);
      else if (!isLeftOut(level, fields)) {
        const isOwn = role === 'parent' && typeof first === 'object' && !(first instanceof Error);
        short[level](isOwn ? failureOf(fields) : first, ...rest);
      }
    };
  return {
    get level() {
      return full.level;
    },
    set level(level) {
      full.level = level;
      short.level = level;
    },
    debug: (first: unknown, ...rest: unknown[]) => full.debug(first, ...rest),
    info: method('info'),
    warn: method('warn'),
    error: method('error'),
    notice: method('notice'),
    child: (fields) => {
      const own = Object.entries(fields).filter(([name]) => role !== 'parent' && !OF_WORKER.includes(name));
      return shortened(full.child(fields), short.child(Object.fromEntries(own)), isLeftOut, role);
    },
    enabled: (level) => full.enabled(level),
    ...(full.format !== undefined && { format: full.format }),
    ...(full.reopen !== undefined && { reopen: () => full.reopen?.() }),
    ...(full.lost !== undefined && { lost: () => full.lost?.() ?? 0 }),
  };
}

interface Fields {
  readonly event?: unknown;
  readonly reason?: unknown;
  readonly code?: unknown;
  readonly err?: unknown;
  readonly error?: unknown;
}

/** Reports whether a line tells of the order of things: a save has a separate line. */
function isRoutine(level: string, { event, reason, code }: Fields, role: Role, save: Readonly<Save>): boolean {
  if (role === 'worker') return level === 'info' && event === 'stopping';
  if (level === 'info' || (level === 'notice' && event === 'reload' && !save.isServed)) return true;
  // The refusal of the start or the reload follows, with its reason.
  return event === 'worker_exited' && reason === 'start' && code === 78;
}

/** Returns the fields that are written below a line. */
function failureOf({ err, error }: Fields): object {
  return { ...(err !== undefined && { err }), ...(error !== undefined && { error }) };
}
