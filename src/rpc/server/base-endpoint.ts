/**
 * Methods that every service answers in addition to its managers.
 */
import { untracked } from '../exposed-methods.js';

/** Status of a service. Times in seconds. */
export interface ServiceStatus {
  readonly version: number;
  readonly uptime: number;
  readonly inFlight: number;
  readonly draining: boolean;
  readonly configGeneration: number;
}

/** Endpoint of the namespace `base`, version 1.1, which every service has: `ping` and `getStatus`. */
export class BaseEndpoint {
  static readonly rpc = ['ping', 'getStatus'];
  readonly target = { namespace: 'base', version: '1.1' } as const;
  readonly #service: string;
  readonly #host: string;
  readonly #status: () => ServiceStatus;

  /** `service`: the target of its calls. */
  constructor({ service, host }: { readonly service: string; readonly host: string }, status: () => ServiceStatus) {
    this.#service = service;
    this.#host = host;
    this.#status = status;
  }

  /** Returns its argument, and the name of the service. */
  @untracked
  ping(_context: unknown, { arg }: { readonly arg?: unknown } = {}): { service: string; host: string; arg: unknown } {
    return { service: this.#service, host: this.#host, arg };
  }

  @untracked
  getStatus(): ServiceStatus {
    return this.#status();
  }
}

/** Endpoint of oslo.messaging's `rpc_ping_enabled`. */
export class OsloPing {
  static readonly rpc = ['oslo_rpc_server_ping'];

  @untracked
  oslo_rpc_server_ping(): string {
    return 'pong';
  }
}
