/**
 * What a pool of workers and its supervisor are to each other.
 */
import type { Logger } from '../../log/index.js';
import type { LaunchSettings } from '../launch-settings.js';
import type { WorkerExit, WorkerHandle } from './worker-handle.js';
import type { WorkerPool } from './worker-pool.js';

/** What every worker of one generation begins with. */
export interface Generation {
  /** Counted from 1. */
  readonly number: number;
  readonly settings: LaunchSettings;
  /** Taken anew for each worker: files that were read meanwhile belong to it. */
  readonly configuration: () => unknown;
}

/** How a worker is begun. */
export interface SpawnOptions {
  /** It only checks that it could serve, until it is told to start. */
  readonly rehearse?: boolean;
  /** How many workers it is told there are. Default: as many as are wanted now. */
  readonly workers?: number | undefined;
}

/** What a pool needs from its supervisor. */
export interface PoolSurroundings {
  readonly log: Logger;
  settings(): LaunchSettings;
  /** The generation that respawned workers belong to. */
  generation(): Generation;
  spawn(pool: WorkerPool, index: number, generation: Generation, how: SpawnOptions): WorkerHandle;
  /** A worker ended that nobody had told to. */
  deadWorker(pool: WorkerPool, index: number, exit: WorkerExit): void;
  /** The service was respawned too often. */
  giveUp(pool: WorkerPool): void;
}
