/** Filters that certainly do not identify the caller. */
import type { Config } from '../config/index.js';
import { type ContextTree, describeNode } from './tree.js';

/** The entry point of Portico's filters, which paste files also name. Resolved at run time, so this directory does not import it. */
const MIDDLEWARE: string = 'portico/middleware';

/**
 * Returns a function that reports whether a filter certainly does not identify the caller: one of Portico's filters whose description
 * has no `security`. A filter of the application may set `environ(req).identity`, and `connect` runs middleware of any package.
 */
export async function findsNoCaller(config: Config): Promise<(filter: ContextTree) => boolean> {
  const { connect: _, ...middleware } = (await import(MIDDLEWARE)) as Readonly<Record<string, unknown>>;
  const bundled = new Set(Object.values(middleware));
  return (filter) => {
    if (!bundled.has(filter.resolved)) return false;
    try {
      return describeNode(filter, config)?.openapi?.security === undefined;
    } catch {
      // The filter's factory reports invalid options.
      return false;
    }
  };
}
