/**
 * Filters that certainly do not find out who calls.
 */
import type { Config } from '../config/index.js';
import { type ContextTree, describeNode } from './tree.js';

/** The entry point with Portico's filters, which paste files name too. A name that a paste file resolves, so no import of this directory. */
const MIDDLEWARE: string = 'portico/middleware';

/**
 * Tells of a filter whether it certainly finds no caller: of Portico's own that is so where their description has no `security`. A filter of
 * the application may set `environ(req).identity`, and `connect` runs middleware of any package.
 */
export async function findsNoCaller(config: Config): Promise<(filter: ContextTree) => boolean> {
  const { connect: _, ...middleware } = (await import(MIDDLEWARE)) as Readonly<Record<string, unknown>>;
  const shipped = new Set(Object.values(middleware));
  return (filter) => {
    if (!shipped.has(filter.resolved)) return false;
    try {
      return describeNode(filter, config)?.openapi?.security === undefined;
    } catch {
      // Its factory reports what is wrong with its options.
      return false;
    }
  };
}
