/** The argument of managers. */
import type { Config } from '../config/index.js';
import type { Logger } from '../log/index.js';
import type { JobList } from '../tasks/index.js';
import type { Drivers } from './drivers.js';
import type { ServiceRegistry } from './registry-contract.js';
import type { RPCClients } from './remote-calls.js';
import type { Awaitable } from './service.js';
import type { Track } from './task-tracker.js';

/** Argument of a manager's constructor, or of the function that creates it. The constructor does no I/O; `initHost` does. */
export interface ManagerContext {
  /** Name of this machine in service records. */
  readonly host: string;
  readonly serviceName: string;
  readonly conf: Config;
  /** The same as `conf`, so that a manager can share things with the app: `await pool(context)`. */
  readonly config: Config;
  /** Registers a release function: called once, after `cleanupHost`, in reverse order of registration. */
  onClose(release: () => Awaitable<void>): void;
  readonly log: Logger;
  /** Registry of services; null if the configuration names none. Opened on first use. */
  readonly registry: ServiceRegistry | null;
  /** Creates clients of other services: see `portico/rpc`. Create them in the constructor; unreachable targets are refused there. */
  readonly rpc: RPCClients;
  /** Loads drivers, relative to the folder of the configuration file, and closes them after `cleanupHost`. */
  readonly drivers: Drivers;
  /** Declares periodic tasks: `tasks.every('90s', () => this.sync(), { on: 'fleet' })`. They run while the service serves. */
  readonly tasks: JobList;
  /** Names work in progress, so that a stop waits for it: the same as `this.track`. */
  readonly track: Track;
}
