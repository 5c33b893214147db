/**
 * What launchers need of a configuration in order to change it.
 */
import type { Config } from '../config/index.js';
import type { ConfigChanges } from '../service/index.js';
import type { RestartMethod } from './launch-arguments.js';

/** A new configuration that was read and found right, and is not yet in force. */
export interface Prepared {
  /** The new configuration, for looking at it; undefined where the program has none. */
  readonly config: Config | undefined;
  /** What differs, as `group.option`. */
  readonly changed: readonly string[];
  /** What workers of the new configuration are given. */
  snapshot(): unknown;
  /** Puts it in force; gives the changes that are taken up. */
  accept(): Promise<ConfigChanges>;
}

/** Reads the configuration again. Rejects when it is refused; then nothing has changed. Without one there is nothing to read. */
export async function prepareReload(config: Config | undefined, method: RestartMethod): Promise<Prepared> {
  if (config === undefined) {
    return { config, changed: [], snapshot: () => undefined, accept: () => Promise.resolve(new Map()) };
  }
  const prepared = await config.prepareReload({ method });
  return {
    config: prepared.config,
    changed: prepared.changes.map(({ group, opt }) => `${group}.${opt}`),
    snapshot: () => prepared.snapshot(),
    accept: () => prepared.accept(),
  };
}
