/**
 * The part of a protocol in the start and the stop of a service with managers.
 */
import type { Awaitable, StopOptions } from './service.js';

/** Steps of a protocol between the hooks. Each may be async. */
export interface ProtocolSteps {
  /** Servers listen, consumers run. On failure it has released what it acquired. */
  serve?(signal: AbortSignal): Awaitable<void>;
  /** Nothing new comes in. Called only after `serve` was done. */
  stopAccepting?(options: StopOptions): Awaitable<void>;
  /** Settles when what is under way has ended, or when there is no more time. */
  finish?(options: StopOptions): Awaitable<void>;
  /** Drivers: after the last `cleanupHost`, before the record says `stopped`. */
  closeDrivers?(): Awaitable<void>;
  /** Transports, loaded apps, the registry: last of all. */
  release?(): Awaitable<void>;
}
