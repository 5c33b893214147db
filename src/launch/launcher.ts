/**
 * The Launcher contract: runs services and owns the process's signals.
 */
import type { ServiceBase } from '../service/index.js';

export interface Launcher {
  /** Settles when the service is ready: here, or in every one of its workers. */
  launchService(service: ServiceBase, options?: { workers?: number }): Promise<void>;
  /** Handles signals until all services stopped; gives the exit status. */
  wait(options?: { signal?: AbortSignal }): Promise<number>;
  /** Stops everything gracefully. Safe to call twice. */
  stop(): Promise<void>;
  /** What SIGHUP does. */
  restart(): Promise<void>;
}
