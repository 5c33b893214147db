/** The error codes of this directory, for docs/reference/errors.md. */
import type { ErrorCodes } from '../errors/index.js';

export const errorCodes: ErrorCodes = {
  PORTICO_SQLITE_MISSING: {
    cause: 'This Node has no SQLite, and the package is not installed.',
    remedy: '`npm install @photostructure/sqlite@1.2`, or use Node 22.13 or newer.',
  },
  PORTICO_SQLITE_OPEN: {
    cause: 'A database cannot be opened.',
    remedy: 'Make its folder writable; name an SQLite file.',
  },
};
