/**
 * Errors of remote calls, distinguishable by their caller.
 */
import { Fault } from 'portico/app';
import { type ErrorDetails, PorticoError } from 'portico/extension';

/** Returns a base class for errors that differ only by their code. */
function withCode(code: string): new (details: ErrorDetails) => PorticoError {
  return class extends PorticoError {
    constructor(details: ErrorDetails) {
      super(code, details);
    }
  };
}

/** No reply in time: the method may or may not have run. Safe to call again only if the method is idempotent. */
export class RpcTimeout extends PorticoError {
  /** True if the server sent no heartbeat while it worked on the call. */
  readonly monitor: boolean;

  constructor(details: ErrorDetails & { readonly monitor?: boolean }) {
    super('PORTICO_RPC_TIMEOUT', details);
    this.monitor = details.monitor ?? false;
  }
}

/** The target has no queue: it never had a server, or its queue has expired. Nothing was sent. */
export class NoServers extends withCode('PORTICO_RPC_NO_SERVERS') {}

/** The message never reached the broker. Safe to send again, which Portico does until the time is up, unless it is `final`. */
export class DeliveryFailure extends PorticoError {
  /** True if the broker would refuse the message again, for example because it is too large. Default false. */
  readonly final: boolean;

  constructor(details: ErrorDetails & { readonly final?: boolean }) {
    super('PORTICO_RPC_DELIVERY_FAILURE', details);
    this.final = details.final ?? false;
  }
}

/** The connection was lost before the broker confirmed: it may or may not have received the message. */
export class DeliveryUnknown extends withCode('PORTICO_RPC_DELIVERY_UNKNOWN') {}

/** A value is not plain data, or too large: refused before it is sent. */
export class SerializationError extends withCode('PORTICO_NOT_PLAIN') {}

/** A target is incomplete or invalid, for example without a topic. */
export class InvalidTarget extends withCode('PORTICO_RPC_INVALID_TARGET') {}

/** A version cap does not allow the message: some servers could not handle it. Nothing was sent. */
export class VersionCapError extends withCode('PORTICO_RPC_VERSION_CAP') {}

/** The service has no such method, or does not expose it. */
export class NoSuchMethod extends withCode('PORTICO_RPC_NO_SUCH_METHOD') {}

/** An unknown, missing or invalid argument. The method was not called. */
export class BadArguments extends withCode('PORTICO_RPC_BAD_ARGUMENTS') {}

/** No endpoint has the requested namespace and version. */
export class UnsupportedVersion extends withCode('PORTICO_RPC_UNSUPPORTED_VERSION') {}

/** The server ended. */
export class ServerShuttingDown extends PorticoError {
  /** True if the method had begun. If not, calling again is safe. */
  readonly started: boolean;

  constructor(details: ErrorDetails & { readonly started?: boolean }) {
    super('PORTICO_RPC_SHUTTING_DOWN', details);
    this.started = details.started ?? true;
  }
}

/** The method threw an error that the caller did not declare: see `allowedErrors`. */
export class RemoteError extends PorticoError {
  /** Name of the error's class. */
  readonly type: string;
  /** Code of the error, if it had one. */
  readonly remoteCode: string | undefined;
  /** Members of the error, if they are plain data. */
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

/** Returns a function that tells failures from other errors of a call: a `Fault` by its status, others by `isExpected`. */
export function failing(isExpected: (error: unknown) => boolean): (error: unknown) => boolean {
  return (error) => (error instanceof Fault ? error.status >= 500 : !isExpected(error));
}
