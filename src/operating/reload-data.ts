/** Data of a reload's report, as `status --json` and the control socket show it. */
import type { ReportedChange } from '../config/index.js';

/** One reload. */
export interface ReloadReport {
  /** Start of the reload, ISO 8601. */
  readonly at: string;
  readonly method: 'reload' | 'mutate';
  /** True for a dry run: outcome and changes are those that a reload would have, and nothing was changed. */
  readonly dryRun?: true;
  /**
   * `accepted`: all changes are in force. `refused`: the old configuration stays in force, and nothing was changed.
   * `incomplete`: accepted, but some workers, or services of this process, could not be replaced. `abandoned`: a stop
   * was requested first.
   */
  readonly outcome: 'accepted' | 'refused' | 'incomplete' | 'abandoned';
  /** The configuration in force afterwards, counted from 1. */
  readonly generation: number;
  readonly durationMs: number;
  /**
   * Changed options: old and new value, place, and the part that applies the new value; then certificates and paste
   * files whose content changed. Secrets are masked.
   */
  readonly changes: readonly ReloadChange[];
  /** Changed pipelines of paste files, with the filters and apps that were added, removed and moved. */
  readonly pipelines: readonly PipelineChange[];
  /** Warnings of the new configuration, including certificates that have expired or expire soon. */
  readonly warnings: readonly string[];
  /** Workers replaced, by service. */
  readonly replaced: Readonly<Record<string, number>>;
  /** Number of open requests of replaced workers at the end of the reload. */
  readonly draining?: number;
  /** Number of requests of replaced workers that were cut off at `drain_timeout`; may grow after the reload. */
  readonly cutOff?: number;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Reason of the refusal, or the workers that could not be replaced. */
  readonly error?: string;
  /** Pages of the reference that explain the refusal: paths in the package, each with an anchor. */
  readonly pages?: readonly string[];
}

/** A reload in progress. */
export interface ReloadUnderWay {
  /** Start of the reload, ISO 8601. */
  readonly at: string;
  readonly method: ReloadReport['method'];
  readonly dryRun: boolean;
}

/** One change of a reload: of an option's value, or of the content of a file that it names. */
export interface ReloadChange extends ReportedChange {
  /** The file, for a change of its content. */
  readonly file?: string;
  /** Services that have read the file. */
  readonly services?: readonly string[];
}

/** One changed pipeline. A new pipeline has all its parts added, a removed one all of them removed. */
export interface PipelineChange {
  readonly pipeline: string;
  /** Filters and apps, by name. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /**
   * Parts that are in both pipelines at another position relative to the others: the fewest that explain the new order.
   */
  readonly moved: readonly string[];
}
