/** The error codes of this directory, for docs/reference/errors.md. */
import type { ErrorCodes } from '../errors/index.js';

export const errorCodes: ErrorCodes = {
  PORTICO_CHANGE_REFUSED: {
    cause: "The application refuses an operator's change of a service record.",
    remedy: 'See the message.',
  },
  PORTICO_HOST_TAKEN: {
    cause: 'The service runs on another machine under the same host name.',
    remedy: 'Set `[DEFAULT] host`, or start once with `--set servicegroup.takeover=true` if the other machine is gone.',
  },
  PORTICO_INVALID_CHANGE: {
    cause: 'A change of a service record is none, or contradicts itself.',
    remedy: 'Give a reason only together with `disabled`; the message has what may be changed.',
  },
  PORTICO_NO_REGISTRY: {
    cause: 'The configuration names no service registry that other processes can ask, or its database does not exist.',
    remedy: 'Set `[servicegroup] connection`; start a service once, for it makes the database.',
  },
  PORTICO_PG_MISSING: {
    cause: 'PostgreSQL is configured, and the package `pg` is not installed.',
    remedy: '`npm install pg`.',
  },
  PORTICO_RECORD_EXISTS: {
    cause: 'The registry has a record of this binary on this host already.',
    remedy: 'Give the service another `binary` or `host`.',
  },
  PORTICO_RECORD_NOT_FOUND: {
    cause: 'The registry has no such service, or several of the name.',
    remedy: '`api-cli service list`; name it as `binary@host`.',
  },
  PORTICO_REGISTRY_CONNECTION: {
    cause: '`[servicegroup] connection` does not fit `[servicegroup] driver`.',
    remedy: 'Write `sqlite:////path` or `postgresql://user@host/name`.',
  },
  PORTICO_REGISTRY_NETWORK_FILE_SYSTEM: {
    cause: 'The SQLite database is on a network file system, where its locks do not hold.',
    remedy: 'Use a local folder, or PostgreSQL.',
  },
  PORTICO_REGISTRY_NOT_MIGRATED: {
    cause: 'The database has no tables of the registry.',
    remedy: '`api-cli db sync`.',
  },
  PORTICO_REGISTRY_UNAVAILABLE: {
    cause: 'The database of the registry does not answer.',
    remedy: 'Look at the database; the service goes on without it.',
  },
  PORTICO_SERVICE_TOO_OLD: {
    cause: 'All others of this binary have a newer version.',
    remedy: 'Upgrade it, or start it once with `--set servicegroup.allow_old=true`.',
  },
  PORTICO_SERVICE_UP: {
    cause: 'A record of a service that is up was to be deleted.',
    remedy: 'Stop the service first, or use `--force`.',
  },
};
