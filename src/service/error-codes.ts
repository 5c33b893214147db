/** The error codes of this directory, for docs/reference/errors.md. */
import type { ErrorCodes } from '../errors/index.js';

export const errorCodes: ErrorCodes = {
  PORTICO_BAD_DRIVER: {
    cause: 'A driver lacks what its kind requires, or has another version.',
    remedy: 'Add what the message names.',
  },
  PORTICO_BAD_DRIVER_KIND: {
    cause: 'A kind of driver is declared wrongly.',
    remedy: 'Correct all that the message names.',
  },
  PORTICO_DRIVER_FAILED: {
    cause: 'The constructor or function of a driver failed.',
    remedy: 'See the message.',
  },
  PORTICO_DRIVER_KIND_EXISTS: {
    cause: 'A kind of driver is declared twice, differently.',
    remedy: 'Declare it once.',
  },
  PORTICO_DRIVER_OPEN: {
    cause: '`open()` of a driver failed.',
    remedy: 'See the message: what the driver connects to may be away.',
  },
  PORTICO_DUPLICATE_BACKEND: {
    cause: 'A backend is listed twice.',
    remedy: 'Name each once.',
  },
  PORTICO_EXPORT_NOT_FOUND: {
    cause: 'A module has no such export.',
    remedy: 'Correct the name; the message lists the exports.',
  },
  PORTICO_HOOK_TIMEOUT: {
    cause: 'A hook of a manager did not end in time.',
    remedy: 'Make it quicker; it goes on in the background.',
  },
  PORTICO_INVALID_EXIT_CODE: {
    cause: '`ServiceExit` was given no exit status.',
    remedy: 'Give a whole number from 0 to 255.',
  },
  PORTICO_MANAGER: {
    cause: 'A manager cannot be loaded or is none; an RPC service has none.',
    remedy: 'Correct the option it names: `./file.js:Manager`.',
  },
  PORTICO_MODULE_FAILED: {
    cause: 'A module failed while it was imported.',
    remedy: 'See the message.',
  },
  PORTICO_MODULE_NOT_FOUND: {
    cause: 'There is no such module.',
    remedy: 'Write `./file.js:export` or `package/path:export`.',
  },
  PORTICO_MODULE_OUTSIDE: {
    cause: "A module is outside of the application's folder.",
    remedy: 'Move it there, or make it a package.',
  },
  PORTICO_NOT_SUPPORTED: {
    cause: 'The driver does not have this optional method.',
    remedy: 'Use another driver, or ask its capabilities first.',
  },
  PORTICO_NO_CONFIG: {
    cause: 'Drivers with options were loaded without a configuration.',
    remedy: 'Make the `Drivers` with `{ config }`.',
  },
  PORTICO_SERVICE_FENCED: {
    cause: 'The registry told the service to end: another one has taken its place.',
    remedy: 'See the log for the reason; start it again if it is the right one.',
  },
  PORTICO_SERVICE_STOPPED: {
    cause: 'A service was stopped while it was starting.',
    remedy: 'Nothing.',
  },
  PORTICO_TEMP_DIR: {
    cause: 'The temporary folder cannot be written to.',
    remedy: 'Set `TMPDIR`, or `[DEFAULT] temp_dir`.',
  },
  PORTICO_UNKNOWN_DRIVER: {
    cause: 'No driver of the kind has that name.',
    remedy: 'Correct it; the message lists those there are.',
  },
  PORTICO_UNKNOWN_DRIVER_KIND: {
    cause: 'There is no such kind of driver.',
    remedy: 'Declare it, or correct the name.',
  },
};
