/** The error codes of this directory, for docs/reference/errors.md. */
import type { ErrorCodes } from '../errors/index.js';

export const errorCodes: ErrorCodes = {
  PORTICO_API_ARGUMENT: {
    cause: '`new WSGIService` was given a wrong name or no `Config`.',
    remedy: "Write `new WSGIService('compute', config)`.",
  },
  PORTICO_BIND: {
    cause: 'A server cannot listen, and the system gave no code of its own.',
    remedy: 'See the message.',
  },
  PORTICO_INVALID_BACKLOG: {
    cause: 'The backlog of a server is below 1.',
    remedy: 'Give 1 or more.',
  },
  PORTICO_INVALID_OPTION: {
    cause: 'An option of a `Server` does not exist or has a wrong value.',
    remedy: 'See the message.',
  },
  PORTICO_STOP_DEADLINE: {
    cause: 'Requests were still at work at the deadline of a stop, and were cut off.',
    remedy: 'Raise `[DEFAULT] graceful_shutdown_timeout`; the log names the requests.',
  },
  PORTICO_TLS_CONFIG: {
    cause: 'Certificate files cannot be used.',
    remedy: 'Name a certificate and its key in PEM form.',
  },
};
