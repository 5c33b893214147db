/** pass_through: replaces a filter of a Python service that is not needed here. */
import type { FilterFactory } from '../app/index.js';

/** Passes all requests on. Accepts any option in its section, and logs that it has no effect. */
export const passThrough: FilterFactory = (_globalConf, _localConf, { log }) => {
  log.info('a filter only passes requests on: it has no counterpart of its Python function');
  return (app) => app;
};
