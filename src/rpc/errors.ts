/**
 * What can come of a remote call beside its result, for its caller to tell apart.
 */
import { type ErrorDetails, PorticoError } from '../errors/index.js';

/** No reply in time: the method may or may not have run. Safe to call again only if the method is idempotent. */
export class RpcTimeout extends PorticoError {
  /** The server sent no sign of life while it was to work on the call. */
  readonly monitor: boolean;

  constructor(details: ErrorDetails & { readonly monitor?: boolean }) {
    super('PORTICO_RPC_TIMEOUT', details);
    this.monitor = details.monitor ?? false;
  }
}

/** There is no queue for the target: it never had a server, or its queue has expired. Nothing was sent. */
export class NoServers extends PorticoError {
  constructor(details: ErrorDetails) {
    super('PORTICO_RPC_NO_SERVERS', details);
  }
}

/** The message never reached the broker. Safe to send again. */
export class DeliveryFailure extends PorticoError {
  constructor(details: ErrorDetails) {
    super('PORTICO_RPC_DELIVERY_FAILURE', details);
  }
}

/** The connection was lost before the broker confirmed: it may or may not have the message. */
export class DeliveryUnknown extends PorticoError {
  constructor(details: ErrorDetails) {
    super('PORTICO_RPC_DELIVERY_UNKNOWN', details);
  }
}

/** More than plain data, or more than fits: refused where it was to be sent. */
export class SerializationError extends PorticoError {
  constructor(details: ErrorDetails) {
    super('PORTICO_NOT_PLAIN', details);
  }
}

/** A target without what it needs, such as a topic. */
export class InvalidTarget extends PorticoError {
  constructor(details: ErrorDetails) {
    super('PORTICO_RPC_INVALID_TARGET', details);
  }
}
