/** The error codes of this directory, for docs/reference/errors.md. */
import type { ErrorCodes } from '../errors/index.js';

export const errorCodes: ErrorCodes = {
  PORTICO_FILE_OUTSIDE: {
    cause: 'A fixture names a file outside of its temporary folder.',
    remedy: 'Name files relative to the folder.',
  },
  PORTICO_LINT: {
    cause: 'An app or a filter breaks the App contract; `rule` says which sentence of it.',
    remedy: 'Correct it as the rule says.',
  },
  PORTICO_WRONG_RESULT: {
    cause: 'What is tested is no app, no filter and no factory.',
    remedy: 'Give a function `(req, res)`, or one that returns it.',
  },
};
