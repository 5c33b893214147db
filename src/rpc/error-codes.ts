/** The error codes of this directory, for docs/reference/errors.md. */
import type { ErrorCodes } from '../errors/index.js';

export const errorCodes: ErrorCodes = {
  PORTICO_AMQP_MISSING: {
    cause: 'A transport URL is `amqp://`, and the package `rabbitmq-client` is not installed.',
    remedy: '`npm install rabbitmq-client@5`.',
  },
  PORTICO_NOT_PLAIN: {
    cause: 'A remote call, or a call of a manager, has more than plain data, or more than `max_message_size`.',
    remedy: 'Give ids and values, not objects with methods.',
  },
  PORTICO_RPC_BAD_ARGUMENTS: {
    cause: 'The arguments of a call do not fit the schema of the method.',
    remedy: 'Correct them as the message says; upgrade what is older, caller or service.',
  },
  PORTICO_RPC_DELIVERY_FAILURE: {
    cause: 'The message did not reach the broker.',
    remedy: 'Send it again: it was not delivered.',
  },
  PORTICO_RPC_DELIVERY_UNKNOWN: {
    cause: 'The connection was lost before the broker confirmed.',
    remedy: 'Send it again if the method is idempotent.',
  },
  PORTICO_RPC_INVALID_TARGET: {
    cause: 'A topic, host or version cannot be; or a call goes to all.',
    remedy: 'Correct it; to all services cast.',
  },
  PORTICO_RPC_MEMORY: {
    cause: '`memory://` cannot reach a service in another process.',
    remedy: 'Set `[rpc] transport_url` to a broker.',
  },
  PORTICO_RPC_METHOD: {
    cause: 'What `@rpc` says of a method does not go together, or not with `[rpc] queue_type`; a schema is none.',
    remedy: 'Change one of the two as the message says.',
  },
  PORTICO_RPC_NAME: {
    cause: 'A host, topic or binary cannot be part of the name of a queue.',
    remedy: 'Take letters, digits, underscores and dashes.',
  },
  PORTICO_RPC_NO_SERVERS: {
    cause: 'There is no queue for the target: no such service runs.',
    remedy: 'Start the service; calling again is safe.',
  },
  PORTICO_RPC_NO_SUCH_METHOD: {
    cause: 'The service has no such method, or does not expose it.',
    remedy: 'Correct the name, or mark the method with `@expose`.',
  },
  PORTICO_RPC_OPTION: {
    cause: 'A client or a service has an unknown option or one of a wrong type.',
    remedy: 'Correct it; the message has the nearest name.',
  },
  PORTICO_RPC_REMOTE_ERROR: {
    cause: 'The method threw an error that the client did not declare.',
    remedy: 'See its message; declare its class in `allowedErrors`.',
  },
  PORTICO_RPC_RESERVED_NAME: {
    cause: 'A manager has a method called `target` or `rpc`.',
    remedy: 'Give it another name.',
  },
  PORTICO_RPC_SHUTTING_DOWN: {
    cause: 'The server ended; `started` says whether the method had begun.',
    remedy: 'Call again if it had not.',
  },
  PORTICO_RPC_SIGNING: {
    cause: '`[rpc] signing_keys` has a pair that is no key, or has none although `require_signature` is set.',
    remedy: 'Write `id:secret`, the secret of 32 characters or more.',
  },
  PORTICO_RPC_TIMEOUT: {
    cause: 'No reply in time; the method may have run.',
    remedy: 'Call again if it is idempotent; look at the service.',
  },
  PORTICO_RPC_TOPOLOGY: {
    cause: 'An exchange or a queue exists with other properties, may not be declared, or is missing.',
    remedy: 'See the message: set `[rpc]` back, delete the queue, or grant the permission.',
  },
  PORTICO_RPC_UNSUPPORTED_VERSION: {
    cause: 'No endpoint has the namespace and version that were asked for.',
    remedy: 'Call it in an older form, or upgrade the service.',
  },
  PORTICO_RPC_UPGRADE_LEVEL: {
    cause: 'What `[upgrade_levels]` has for a topic is no version and no release, or `auto` has no registry to ask.',
    remedy: 'Write a version, or a release that the client has in `releases`.',
  },
  PORTICO_RPC_URL: {
    cause: 'A transport URL cannot be read, or has no driver.',
    remedy: 'Correct `[rpc] transport_url`.',
  },
  PORTICO_RPC_VERSION_CAP: {
    cause: 'A version cap forbids the call: older services are there.',
    remedy: 'Send the older form; ask `canSend(version)`.',
  },
};
