/**
 * What can be wrong with a service registry.
 */
import { PorticoError } from '../errors/index.js';

/** The registry cannot be asked at present: its database is away. Never means that a service is down. */
export class RegistryUnavailable extends PorticoError {
  constructor(cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super('PORTICO_REGISTRY_UNAVAILABLE', { message: `the service registry cannot be asked: ${why}`, cause });
  }
}

/** A record of that host and binary, or host and topic, is there already. */
export class RecordExists extends PorticoError {
  constructor(host: string, name: string) {
    super('PORTICO_RECORD_EXISTS', { message: `the registry has a record of ${name} on ${host} already` });
  }
}

/** There is no such record. */
export class RecordNotFound extends PorticoError {
  constructor(uuid: string) {
    super('PORTICO_RECORD_NOT_FOUND', { message: `the registry has no service ${uuid}` });
  }
}

/** The code is older than the oldest service of its kind that runs: it would not understand what they say. */
export class ServiceTooOld extends PorticoError {
  constructor(binary: string, version: number, minimum: number) {
    super('PORTICO_SERVICE_TOO_OLD', {
      message: `${binary} has version ${version}, but every ${binary} that runs has at least ${minimum}`,
      hint: 'Upgrade it, or start it with --allow-old.',
    });
  }
}
