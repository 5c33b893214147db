/**
 * A service that ends its process with a status of its own choice.
 */
import { PorticoError } from '../errors/index.js';

/**
 * Thrown by a service's verb or task: its launcher stops everything and ends with `code`. What `SystemExit` is to
 * oslo.service. Throws `PORTICO_INVALID_EXIT_CODE` for what is no exit status.
 */
export class ServiceExit extends PorticoError {
  /** The exit status, 0 to 255. */
  readonly exitCode: number;

  constructor(exitCode = 1, message = `the service asks its process to end with status ${exitCode}`) {
    super('PORTICO_SERVICE_EXIT', { message });
    if (!Number.isInteger(exitCode) || exitCode < 0 || exitCode > 255) {
      throw new PorticoError('PORTICO_INVALID_EXIT_CODE', {
        message: `${exitCode} is no exit status`,
        hint: 'Give a whole number from 0 to 255.',
      });
    }
    this.exitCode = exitCode;
  }
}
