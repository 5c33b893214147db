/**
 * What launchers need of a configuration in order to change it.
 */
import type { Change, Config, ReportedChange } from '../../config/index.js';
import { type ConfigurationRefused, ignoreErrors, PorticoError } from '../../errors/index.js';
import type { ConfigChanges } from '../../service/index.js';
import type { RestartMethod } from '../launcher-options.js';
import { digest } from './file-changes.js';

/** A new configuration that was read, and is not yet in force. */
export interface Prepared {
  /** The new configuration, for looking at it; undefined where the program has none. */
  readonly config: Config | undefined;
  /** Why it is refused: then it is there only to find what else is wrong. */
  readonly refusal?: ConfigurationRefused | undefined;
  readonly changes: readonly Change[];
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
  changes: [],
  report: () => [],
  snapshot: () => undefined,
  release: () => undefined,
  remember: () => undefined,
  accept: () => Promise.resolve(new Map()),
};

/** Reads the configuration again. Nothing has changed before it is accepted, nor when it is refused. */
export async function prepareReload(config: Config | undefined, method: RestartMethod): Promise<Prepared> {
  if (config === undefined) return NOTHING;
  const prepared = await config.prepareReload({ method, collect: true });
  return {
    config: prepared.config,
    changes: prepared.changes,
    refusal: prepared.refusal,
    report: () => prepared.report(),
    snapshot: () => prepared.snapshot(),
    release: (services) => {
      if (services.length > 0) prepared.release((group) => services.some((name) => belongsTo(group, name)));
    },
    remember: (files) => {
      for (const [file, checked] of files) {
        // One that is gone in the meantime: workers started later say so themselves.
        const bytes = ignoreErrors(() => prepared.readFile(file));
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
