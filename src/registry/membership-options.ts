/**
 * The options of a member of the registry, which `membership()` fills up from the configuration.
 */
import type { Logger } from '../log/index.js';
import type { Clock } from '../tasks/index.js';

/** How a member behaves: `[servicegroup]`, and what surrounds it. Times in seconds. */
export interface MembershipOptions {
  /** Seconds between two heartbeats; 0: none. Default: `[DEFAULT] report_interval`, 10. */
  readonly reportInterval: number;
  /** Seconds without a heartbeat after which it counts as down. Default: `[DEFAULT] service_down_time`, 60. */
  readonly serviceDownTime: number;
  /** Seconds from the start to the first heartbeat. Default: `[servicegroup] initial_delay_s`, 5. */
  readonly initialDelay: number;
  /** The part of `reportInterval` by which heartbeats vary, 0 to 0.5. Default: `[servicegroup] jitter`, 0.1. */
  readonly jitter: number;
  /** Seconds a start waits for a registry that is away. Default: `[servicegroup] start_wait_s`, 60. */
  readonly startWait: number;
  /**
   * Seconds before the first further try of a registry that is away at the start; doubled each time. Default:
   * `[database] retry_interval`, 1.
   */
  readonly retryInterval: number;
  /** Seconds between two such tries, at most. Default: `[database] max_retry_interval`, 10. */
  readonly maxRetryInterval: number;
  /** Makes a record anew that vanished, unless an operator deleted it. Default: `[servicegroup] auto_recreate`, true. */
  readonly autoRecreate: boolean;
  /** Whether a record that is made at the first start is enabled. Default: `[servicegroup] enable_new_services`, true. */
  readonly enableNewServices: boolean;
  /** What follows once the registry was away for `serviceDownTime`. Default: `[servicegroup] on_registry_loss`, `continue`. */
  readonly onRegistryLoss: 'continue' | 'drain' | 'exit';
  /** Drains when an operator forced the service down. Default: `[servicegroup] fence_on_forced_down`, false. */
  readonly fenceOnForcedDown: boolean;
  /** Starts under a host name that another machine seems to use. Default: `[servicegroup] takeover`, false. */
  readonly takeover: boolean;
  /** Starts although every other service of this binary is newer. Default: `[servicegroup] allow_old`, false. */
  readonly allowOld: boolean;
  /** Requests and calls under way, for the worker's row. Default: 0. */
  readonly inFlight: () => number;
  /** The service should stop taking work, or end; and why. */
  readonly onVerdict: (verdict: 'drain' | 'exit', reason: string) => void;
  /** True while that process runs. */
  readonly isAlive: (pid: number) => boolean;
  /** The log of the service. */
  readonly log: Logger;
  /** Times and timers. Default: those of the system. */
  readonly clock: Clock;
  /** From 0 to 1, for `jitter`. Default `Math.random`. */
  readonly random: () => number;
}
