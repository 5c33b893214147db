/** Failures of calls to the conductor. */

const FAILED = 'PORTICO_RPC_REMOTE_ERROR';
/** The codes of errors that a later call may not have: the conductor did not respond, or failed, for example because its store was locked. */
const MAY_PASS: ReadonlySet<unknown> = new Set([
  FAILED,
  'PORTICO_RPC_DELIVERY_FAILURE',
  'PORTICO_RPC_DELIVERY_UNKNOWN',
  'PORTICO_RPC_NO_SERVERS',
  'PORTICO_RPC_SHUTTING_DOWN',
  'PORTICO_RPC_TIMEOUT',
]);

/** Returns the error of a task whose call failed: one that is tried again, or the error itself if the conductor refused the call. */
export function conductorFailure(cause: unknown): unknown {
  const code = (cause as { readonly code?: unknown } | undefined)?.code;
  if (!MAY_PASS.has(code)) return cause;
  const message = code === FAILED ? 'the conductor failed' : 'the conductor cannot be reached';
  return Object.assign(new Error(message, { cause }), { retryable: true });
}
