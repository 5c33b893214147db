/** Failures of calls to the conductor. */
import { DeliveryFailure, DeliveryUnknown, NoServers, RemoteError, RpcTimeout, ServerShuttingDown } from 'portico/rpc';

/** Errors that a later call may not have: the conductor did not answer, or failed, for example because its store was locked. */
const MAY_PASS = [DeliveryFailure, DeliveryUnknown, NoServers, RemoteError, RpcTimeout, ServerShuttingDown];

/** Returns the error of a task whose call failed: one that is tried again, or the error itself if the conductor refused the call. */
export function conductorFailure(cause: unknown): unknown {
  if (!MAY_PASS.some((kind) => cause instanceof kind)) return cause;
  const message = cause instanceof RemoteError ? 'the conductor failed' : 'the conductor cannot be reached';
  return Object.assign(new Error(message, { cause }), { retryable: true });
}
