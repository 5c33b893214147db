/**
 * pass_through: stands for a filter of Python that has nothing to do here.
 */
import type { Description, Filter, FilterFactory } from '../app/index.js';

/** Passes requests on as they are. Any option may be in its section; a line of the log says that it has no effect. */
export const passThrough: FilterFactory & { readonly describe: () => Description } = Object.assign(
  (_globalConf: unknown, _localConf: unknown, { log, section }: Parameters<FilterFactory>[2]): Filter => {
    log.info('a filter only passes requests on: it has no counterpart of its Python function', {
      section: section.name,
    });
    return (app) => app;
  },
  { describe: () => ({ does: 'passes requests on' }) },
);
