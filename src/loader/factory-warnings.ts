/** Warnings that factories log while a check builds their apps: it reports what a start would log. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { ignoreErrors, type Origin } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { json, lineParts, withErrors } from '../log/internal.js';
import { maskUris } from '../text/index.js';

/** A warning, at the section for which the factory was called. */
interface FactoryWarning {
  readonly code: string;
  readonly message: string;
  readonly section: string;
  readonly origin: Origin | undefined;
}

const collecting = new AsyncLocalStorage<FactoryWarning[]>();

/** Runs `build`, and returns its result with the warnings that factories logged within it, each once. */
export async function collectFactoryWarnings<T>(build: () => Promise<T>) {
  const found: FactoryWarning[] = [];
  const result = await collecting.run(found, build);
  const each = new Map(found.map((one) => [JSON.stringify([one.message, one.origin?.file, one.origin?.line]), one]));
  return { result, warnings: [...each.values()] };
}

/** Returns the log of a factory, which tells its warnings to a `collectFactoryWarnings` around it. */
export function factoryLog(log: Logger, at: Pick<FactoryWarning, 'section' | 'origin'>): Logger {
  const found = collecting.getStore();
  if (found === undefined) return log;
  return Object.assign(Object.create(log) as Logger, {
    warn: (first: unknown, ...rest: unknown[]) => {
      // A getter of a field may throw.
      const message = ignoreErrors(() => warningText(first, rest)) ?? '';
      if (message !== '') found.push({ code: 'PORTICO_FACTORY_WARNING', message, ...at });
      log.warn(first, ...rest);
    },
    child: (fields: Parameters<Logger['child']>[0]) => factoryLog(log.child(fields), at),
  });
}

/** Returns the message of a warning, or its fields if it has none; empty if there is nothing to show. */
function warningText(first: unknown, rest: readonly unknown[]): string {
  const [fields, message] = lineParts(first, rest);
  if (message !== '' || Object.keys(fields).length === 0) return message;
  return maskUris(json(withErrors(fields)) ?? '');
}
