/**
 * Outcomes of a remote call beside its result, for its caller to tell apart.
 */
import { type ErrorDetails, PorticoError } from '../errors/index.js';

/** Base of errors whose only difference is their code. */
function withCode(code: string): new (details: ErrorDetails) => PorticoError {
  return class extends PorticoError {
    constructor(details: ErrorDetails) {
      super(code, details);
    }
  };
}

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
export class NoServers extends withCode('PORTICO_RPC_NO_SERVERS') {}

/** The message never reached the broker. Safe to send again. */
export class DeliveryFailure extends withCode('PORTICO_RPC_DELIVERY_FAILURE') {}

/** The connection was lost before the broker confirmed: it may or may not have the message. */
export class DeliveryUnknown extends withCode('PORTICO_RPC_DELIVERY_UNKNOWN') {}

/** More than plain data, or more than fits: refused where it was to be sent. */
export class SerializationError extends withCode('PORTICO_NOT_PLAIN') {}

/** A target without what it needs, such as a topic. */
export class InvalidTarget extends withCode('PORTICO_RPC_INVALID_TARGET') {}

/** Sending what a version cap does not allow: some servers could not take it. Nothing was sent. */
export class VersionCapError extends withCode('PORTICO_RPC_VERSION_CAP') {}

/** The service has no such method, or does not expose it. */
export class NoSuchMethod extends withCode('PORTICO_RPC_NO_SUCH_METHOD') {}

/** An argument that the method does not have, misses or does not take. The method was not called. */
export class BadArguments extends withCode('PORTICO_RPC_BAD_ARGUMENTS') {}

/** No endpoint has the namespace and version that were asked for. */
export class UnsupportedVersion extends withCode('PORTICO_RPC_UNSUPPORTED_VERSION') {}

/** The server ended. */
export class ServerShuttingDown extends PorticoError {
  /** Whether the method had begun. If not, calling again is safe. */
  readonly started: boolean;

  constructor(details: ErrorDetails & { readonly started?: boolean }) {
    super('PORTICO_RPC_SHUTTING_DOWN', details);
    this.started = details.started ?? true;
  }
}

/** The method threw something that the caller did not declare: see `allowedErrors`. */
export class RemoteError extends PorticoError {
  /** The name of the class that was thrown. */
  readonly type: string;
  /** Its code, where it had one. */
  readonly remoteCode: string | undefined;
  /** Its own members, where they are plain data. */
  readonly data: Readonly<Record<string, unknown>>;

  constructor(
    details: ErrorDetails & {
      readonly type?: string;
      readonly remoteCode?: string | undefined;
      readonly data?: Readonly<Record<string, unknown>> | undefined;
    },
  ) {
    super('PORTICO_RPC_REMOTE_ERROR', details);
    this.type = details.type ?? 'Error';
    this.remoteCode = details.remoteCode;
    this.data = details.data ?? {};
  }
}
