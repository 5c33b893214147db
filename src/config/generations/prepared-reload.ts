/**
 * A new configuration that was read and found right, and is not yet in force: a launcher tries new workers with it first.
 */

import type { Diagnostic } from '../../errors/index.js';
import type { Config } from '../config.js';
import type { ConfigError } from '../values/issue.js';
import { type Change, type ConfigChanges, type ReloadMethod, type ReportedChange, reportedChange } from './changes.js';
import type { ConfigSnapshot } from './generation.js';

/** How a reload takes changes up: by new workers (`reload`, the default), or what is mutable in place. */
export interface ReloadOptions {
  readonly method?: ReloadMethod;
}

/** How a reload is prepared. */
export interface PrepareReloadOptions extends ReloadOptions {
  /** What is wrong waits in `refusal`, for whoever looks for what else is. Default false: it is thrown. */
  readonly collect?: boolean;
}

/** What is prepared, and how it is put in force. */
export interface Preparation {
  readonly config: Config;
  readonly changes: () => readonly Change[];
  /** Of options in the files that nobody declared. */
  readonly undeclared: readonly ReportedChange[];
  readonly warnings: readonly Diagnostic[];
  readonly refusal: ConfigError | undefined;
  readonly release: (over: (group: string) => boolean) => void;
  readonly accept: () => Promise<ConfigChanges>;
}

/** The second of two steps. Dropping it leaves the old configuration in force, with the old bytes of all files. */
export class PreparedReload {
  /** The new configuration, complete; for looking at it and trying it. */
  readonly config: Config;
  readonly warnings: readonly Diagnostic[];
  /** Why it is refused, where that was collected: it is there to be looked at, and cannot be accepted. */
  readonly refusal: ConfigError | undefined;
  readonly #preparation: Preparation;

  constructor(preparation: Preparation) {
    this.config = preparation.config;
    this.warnings = preparation.warnings;
    this.refusal = preparation.refusal;
    this.#preparation = preparation;
  }

  /** Every declared option that differs, with what would take it up: `now`, `new_workers` or `restart`. */
  get changes(): readonly Change[] {
    return this.#preparation.changes();
  }

  /**
   * The same for a report: old, new, where, and what takes it up; secrets are masked. With the options that the files have
   * and nobody declared here, whose values are masked all.
   */
  report(): ReportedChange[] {
    const told = new Set(this.changes.map(({ group, opt }) => `${group}.${opt}`));
    const others = this.#preparation.undeclared.filter(({ option }) => !told.has(option));
    return [...this.changes.map(reportedChange), ...others];
  }

  /** What workers of the new configuration are given. */
  snapshot(): ConfigSnapshot {
    return this.config.snapshot();
  }

  /** Remembers the bytes of another file: one that only the new configuration names. */
  readFile(path: string, options: { readonly mutable?: boolean } = {}): Buffer {
    return this.config.readFile(path, options);
  }

  /**
   * Says which groups nobody will use once this is in force: those of services that are to end. Their options needed a
   * restart while they were in use; from now on their values are what the files say. A group that the new configuration
   * was asked for stays.
   */
  release(over: (group: string) => boolean): void {
    this.#preparation.release(over);
  }

  /**
   * Puts it in force at once, then runs the hooks. Gives the changes that are taken up; what only a restart changes
   * keeps its old value and is logged. Rejects when it is refused, or another configuration was accepted meanwhile.
   */
  async accept(): Promise<ConfigChanges> {
    if (this.refusal !== undefined) throw this.refusal;
    return this.#preparation.accept();
  }
}
