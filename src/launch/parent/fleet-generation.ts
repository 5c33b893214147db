/** Generations of a fleet: data that all workers of one configuration share. */
import type { Config, ConfigSnapshot } from '../../config/index.js';
import { deferred } from '../../tasks/internal.js';
import type { LaunchSettings } from '../launcher-options.js';
import { ProgramCode } from './program-code.js';
import { WorkerFiles } from './worker-files.js';

/**
 * One configuration of a fleet, which workers start with. It is replaced as a whole when a reload is accepted; until
 * then a trial has the next number.
 */
export type FleetGeneration = ReturnType<typeof fleetGeneration>;

interface Origin {
  /** Counted from 1. */
  readonly number: number;
  readonly settings: LaunchSettings;
  /** Configuration that the workers get. */
  readonly config: Config | undefined;
}

/** Returns the generation of a configuration, which no worker has yet. */
export function fleetGeneration({ number, settings, config }: Origin) {
  return {
    number,
    settings,
    config,
    /** Working directory of its workers. */
    folder: process.cwd(),
    /** Settles when every first worker of its trial is built: then they serve. */
    built: deferred(),
    /** Code that its workers run. */
    code: new ProgramCode(),
    /** Files that its workers read. */
    files: new WorkerFiles(config),
    /** Made for each worker: it includes files that were read since, and values from code. */
    configuration: (): ConfigSnapshot | undefined => config?.snapshot(),
  } as const;
}
