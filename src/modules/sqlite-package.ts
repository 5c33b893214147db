/** Whether this Node has SQLite, or the package that replaces it. */
import { createRequire, isBuiltin } from 'node:module';
import { ignoreErrors } from '../errors/index.js';

/** The error of a Node without SQLite. */
export const NO_SQLITE = {
  message: `this Node (${process.version}) has no SQLite, and the package @photostructure/sqlite is not installed`,
  hint: 'Run npm install @photostructure/sqlite@1.2, or use Node 22.13 or newer.',
};

/** Returns the reason that no database can be opened on this Node; undefined if there is a driver. Does not load it. */
export function sqliteProblem(): { readonly message: string; readonly hint: string } | undefined {
  if (isBuiltin('node:sqlite')) return undefined;
  return ignoreErrors(() => createRequire(import.meta.url).resolve('@photostructure/sqlite')) === undefined
    ? NO_SQLITE
    : undefined;
}
