/** The error codes of this directory, for docs/reference/errors.md. */
import type { ErrorCodes } from '../errors/index.js';

export const errorCodes: ErrorCodes = {
  PORTICO_API_NO_PORT: {
    cause:
      'An API has no port, so it listens on any that is free; at a reload that would end another API this is an error.',
    remedy: 'Set `port` in its `[api:<name>]`.',
  },
  PORTICO_CLI_OUTPUT: {
    cause: 'A file that a command was to write cannot be written.',
    remedy: 'Make its folder, or name another file.',
  },
  PORTICO_CONFIG_NO_FILE: {
    cause: 'No configuration file was found; a warning of `check`.',
    remedy: 'Name one with `--config-file`.',
  },
  PORTICO_DEPLOYMENT: {
    cause: 'A deployment file does not fit the configuration (`generate --check`).',
    remedy: 'Change the line it names, or generate the file anew.',
  },
  PORTICO_DEPLOYMENT_PORT: {
    cause: 'An API with port 0 has no port that a deployment file could name.',
    remedy: 'Set `port` in its `[api:<name>]`.',
  },
  PORTICO_LOG_FILE: {
    cause: 'The file of `[DEFAULT] log_file` cannot be written.',
    remedy: 'Name a file that the user of the service may write.',
  },
  PORTICO_NOT_RUNNING: {
    cause: 'No service answers on the control socket.',
    remedy: 'Name the configuration the service was started with (`--config-file`), or its socket (`--socket`).',
  },
  PORTICO_NO_APIS: {
    cause: '`enabled_apis` names an API that does not exist, or nothing at all.',
    remedy: 'Correct the name; the message has the nearest one.',
  },
  PORTICO_NO_DEAD_LETTER: {
    cause: 'No dead letter has this id.',
    remedy: 'Take an id from `api-cli rpc dead list`.',
  },
  PORTICO_NO_NOTIFY_SOCKET: {
    cause: '`NOTIFY_SOCKET` is not set.',
    remedy: 'Set it to the path of the socket to wait on.',
  },
  PORTICO_RPC_CONTRACT: {
    cause: 'A service breaks the contract of its last release (`rpc contract --check`).',
    remedy: 'Give its endpoint the version that the message says, and serve the one before for a release.',
  },
  PORTICO_SERVICE_NAME: {
    cause: 'The name of a `[service:<name>]` is that of an API too, or its topic that of another service.',
    remedy: 'Give the section another name, or the service another topic.',
  },
  PORTICO_SERVICE_NOT_FOUND: {
    cause: '`enabled_services` names a service without a section, which does not start; a warning.',
    remedy: 'Correct the name; the message has the nearest one.',
  },
  PORTICO_TLS_EXPIRY: {
    cause: 'A certificate has ended or will within 30 days; a warning of `check`.',
    remedy: 'Renew it, and reload.',
  },
};
