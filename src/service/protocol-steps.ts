/** The steps of a protocol in the start and stop of a service with managers. */
import type { Awaitable, StopOptions } from './service.js';

/** Steps of a protocol between the hooks. Each may be async. */
export interface ProtocolSteps {
  /** Starts servers and consumers. On failure it has released what it acquired. */
  serve?(signal: AbortSignal): Awaitable<void>;
  /** Stops accepting new work. Called only if `serve` has succeeded. */
  stopAccepting?(options: StopOptions): Awaitable<void>;
  /** Settles when the work in flight has ended, or when there is no time left. */
  finish?(options: StopOptions): Awaitable<void>;
  /** Closes drivers: after the last `cleanupHost`, before the record is set to `stopped`. */
  closeDrivers?(): Awaitable<void>;
  /** Releases transports, loaded apps and the registry: the last step. */
  release?(): Awaitable<void>;
}
