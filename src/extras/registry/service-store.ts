/**
 * Errors of a registry's database.
 */
import { type ErrorDetails, PorticoError } from 'portico/extension';

/** Place of the option that names a database, and a hint, for errors. */
export type DatabaseOption = Pick<ErrorDetails, 'origin' | 'hint'>;

/** The registry is not available, because its database is not. Never means that a service is down. */
export class RegistryUnavailable extends PorticoError {
  constructor(cause: unknown, option: DatabaseOption = {}) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `the service registry is unavailable: ${why}`;
    super('PORTICO_REGISTRY_UNAVAILABLE', { ...option, message, cause });
  }
}

/** A record with that host and binary, or host and topic, exists already. */
export class RecordExists extends PorticoError {
  constructor(host: string, name: string) {
    super('PORTICO_RECORD_EXISTS', { message: `the registry already has a record of ${name} on ${host}` });
  }
}
