/**
 * What launchers need of a configuration in order to change it.
 */
import type { Config, ReportedChange } from '../../config/index.js';
import { PorticoError } from '../../errors.js';
import type { ConfigChanges } from '../../service/index.js';
import type { RestartMethod } from '../launch-arguments.js';
import { digest } from './file-changes.js';

/** A new configuration that was read and found right, and is not yet in force. */
export interface Prepared {
  /** The new configuration, for looking at it; undefined where the program has none. */
  readonly config: Config | undefined;
  /** What differs, for a report. */
  report(): readonly ReportedChange[];
  /** What workers of the new configuration are given. */
  snapshot(): unknown;
  /** Services of these names end: their addresses are free. */
  release(services: readonly string[]): void;
  /**
   * Remembers the bytes of files that workers of the new configuration read, where they can be had. Throws
   * `PORTICO_RELOAD_RACED` when they are not those that were checked, by their digests.
   */
  remember(files: ReadonlyMap<string, string>): void;
  /** Puts it in force; gives the changes that are taken up. */
  accept(): Promise<ConfigChanges>;
}

/** Without a configuration there is nothing to read, and nothing changes. */
const NOTHING: Prepared = {
  config: undefined,
  report: () => [],
  snapshot: () => undefined,
  release: () => undefined,
  remember: () => undefined,
  accept: () => Promise.resolve(new Map()),
};

/** Reads the configuration again. Rejects when it is refused; then nothing has changed. */
export async function prepareReload(config: Config | undefined, method: RestartMethod): Promise<Prepared> {
  if (config === undefined) return NOTHING;
  const prepared = await config.prepareReload({ method });
  return {
    config: prepared.config,
    report: () => prepared.report(),
    snapshot: () => prepared.snapshot(),
    release: (services) => {
      if (services.length > 0) prepared.release((group) => services.some((name) => belongsTo(group, name)));
    },
    remember: (files) => {
      for (const [file, checked] of files) {
        const bytes = tryToRead(() => prepared.readFile(file));
        if (bytes !== undefined && digest(bytes) !== checked) throw changedMeanwhile(file);
      }
    },
    accept: () => prepared.accept(),
  };
}

/** The error of a reload of which a file was written between two of its readers. */
export function changedMeanwhile(file: string): PorticoError {
  return new PorticoError('PORTICO_RELOAD_RACED', {
    message: `${file} was changed while the reload checked it`,
    hint: 'Reload again, once it is left alone.',
  });
}

/** The group `[api:<name>]` of a service, or the one that has its name. */
function belongsTo(group: string, service: string): boolean {
  return group === service || group.endsWith(`:${service}`);
}

/** A file that is gone in the meantime: workers started later say so themselves. */
function tryToRead<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
