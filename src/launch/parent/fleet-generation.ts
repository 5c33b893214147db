/** Generations of a fleet: data that all workers of one configuration share. */

import { statSync } from 'node:fs';
import type { Config, ConfigSnapshot } from '../../config/index.js';
import { ignoreErrors } from '../../errors/index.js';
import type { ServiceFile } from '../../service/index.js';
import { deferred } from '../../tasks/internal.js';
import type { LaunchSettings } from '../launcher-options.js';
import type { FileRead } from '../worker-message.js';

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
    /** Files that its workers read. */
    files: new WorkerFiles(config),
    /** Made for each worker: it includes files that were read since, and values from code. */
    configuration: (): ConfigSnapshot | undefined => config?.snapshot(),
  } as const;
}

// Files that workers of one configuration read by `config.readFile` and that their parent does not read by itself, such
// as the secret of tokens. The parent reads each file too, so that workers that start later get the same content, and a
// reload compares it.

/** A larger file, in bytes, is read by each worker for itself: the parent sends the files to each worker that starts. */
const LARGEST = 4 * 2 ** 20;

export class WorkerFiles {
  readonly #config: Config | undefined;
  readonly #files = new Map<string, Map<string, ServiceFile>>();

  constructor(config: Config | undefined) {
    this.#config = config;
  }

  /** Files by service, for its plan. */
  get byService(): ReadonlyMap<string, readonly ServiceFile[]> {
    return new Map([...this.#files].map(([service, files]) => [service, [...files.values()]]));
  }

  /** Records the files that a worker has read, and reads them. */
  take(service: string, told: readonly FileRead[]): void {
    const config = this.#config;
    const files = this.#files.get(service) ?? new Map<string, ServiceFile>();
    this.#files.set(service, files);
    for (const file of told) {
      const { path } = file;
      if (config?.filesRead.includes(path) !== true && !isKept(path)) continue;
      if (ignoreErrors(() => config?.readFile(path)) !== undefined) files.set(path, { ...file, secret: true });
    }
  }
}

/** Reports whether a file is kept. Not a pipe: it cannot be read twice, and a reload would wait for its writer. */
function isKept(path: string): boolean {
  const stats = ignoreErrors(() => statSync(path));
  return stats?.isFile() === true && stats.size <= LARGEST;
}
