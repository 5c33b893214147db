/**
 * What every service answers beside its managers.
 */
import { untracked } from '../../service/index.js';

/** What the base endpoint knows about its service. */
export interface BaseEndpointFacts {
  /** What the service takes calls for. */
  readonly service: string;
  readonly host: string;
  /** Of its code. */
  readonly version: number;
  /** Milliseconds since its start. */
  readonly uptimeMs: () => number;
  readonly inFlight: () => number;
  readonly draining: () => boolean;
  readonly configGeneration: () => number;
}

/** How a service is. Times in seconds. */
export interface ServiceStatus {
  readonly version: number;
  readonly uptime: number;
  readonly inFlight: number;
  readonly draining: boolean;
  readonly configGeneration: number;
}

/**
 * What every service answers, whatever its manager does: that it is there, and how it is. The endpoint of the namespace
 * `base`, version 1.1.
 */
export class BaseEndpoint {
  static readonly rpc = ['ping', 'getStatus'];
  readonly target = { namespace: 'base', version: '1.1' } as const;
  readonly #facts: BaseEndpointFacts;

  constructor(facts: BaseEndpointFacts) {
    this.#facts = facts;
  }

  /** Gives back what it was given, and who answered. */
  @untracked
  ping(_context: unknown, { arg }: { readonly arg?: unknown } = {}): { service: string; host: string; arg: unknown } {
    const { service, host } = this.#facts;
    return { service, host, arg };
  }

  @untracked
  getStatus(): ServiceStatus {
    const { version, uptimeMs, inFlight, draining, configGeneration } = this.#facts;
    return {
      version,
      uptime: uptimeMs() / 1000,
      inFlight: inFlight(),
      draining: draining(),
      configGeneration: configGeneration(),
    };
  }
}
