/** Warnings that factories, and the routers that they make, log while their apps are built. */
import { type Diagnostic, ignoreErrors, locationInFile, type Origin, shownPath } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { json, lineParts, withErrors } from '../log/internal.js';
import { maskUris } from '../text/index.js';

/** The section for which a factory was called. */
interface FactoryPlace {
  readonly section: string;
  readonly origin: Origin | undefined;
}

/** Takes warnings of a build, until its end. */
export interface BuildWarnings {
  /** Undefined after the build: later warnings concern only this process. */
  add?: ((warning: Diagnostic) => void) | undefined;
}

/** Members of a logger beside `warn` and `child`; some loggers lack the last. */
const METHODS = ['debug', 'info', 'error', 'notice', 'enabled', 'reopen', 'lost'] as const;
const PROPERTIES = ['level', 'format'] as const;

/**
 * Returns the log of a factory, which tells the build its warnings. Each other member is called on `log` itself: an application's logger may
 * have private fields.
 */
export function factoryLog(log: Logger, at: FactoryPlace, build: BuildWarnings): Logger {
  const of = log as unknown as Record<string, (...args: readonly unknown[]) => unknown>;
  const own = Object.create(log) as Logger;
  for (const name of METHODS) {
    if (of[name] !== undefined) Object.assign(own, { [name]: (...args: readonly unknown[]) => of[name]!(...args) });
  }
  for (const name of PROPERTIES) {
    Object.defineProperty(own, name, {
      get: () => log[name],
      set(value) {
        Object.assign(log, { [name]: value });
      },
    });
  }
  return Object.assign(own, {
    warn: (first: unknown, ...rest: unknown[]) => {
      // A getter of a field may throw.
      if (build.add !== undefined) ignoreErrors(() => tell(build, at, lineParts(first, rest)));
      log.warn(first, ...rest);
    },
    child: (fields: Parameters<Logger['child']>[0]) => factoryLog(log.child(fields), at, build),
  });
}

/** Tells a warning: one of a router at its own place, any other one at the section. */
function tell(
  build: BuildWarnings,
  { section, origin }: FactoryPlace,
  [fields, written]: ReturnType<typeof lineParts>,
): void {
  const message = written === '' && Object.keys(fields).length > 0 ? maskUris(json(withErrors(fields)) ?? '') : written;
  if (message === '') return;
  const { code, hint, at } = fields;
  const [, file, line, column] = /^(.*):(\d+):(\d+)$/.exec(String(at)) ?? [];
  if (typeof code !== 'string' || !code.startsWith('PORTICO_ROUTE_') || file === undefined) {
    const location = origin && locationInFile(origin);
    build.add?.({ severity: 'warning', code: 'PORTICO_FACTORY_WARNING', message, section, location });
    return;
  }
  const location = locationInFile({ file: shownPath(file), line: Number(line), column: Number(column) });
  build.add?.({ severity: 'warning', code, message, hint: typeof hint === 'string' ? hint : undefined, location });
}
