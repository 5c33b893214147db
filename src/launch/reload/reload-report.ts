/**
 * What came of a reload, for the log, `status()` and the control socket.
 */
import { describeError, PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import type { PipelineChange, ReloadChange } from './reload-changes.js';

/** One reload. */
export interface ReloadReport {
  /** When it began, ISO 8601. */
  readonly at: string;
  readonly method: 'reload' | 'mutate';
  /**
   * `accepted`: all is new. `refused`: the old configuration is in force, and nothing was touched but what `restored`
   * names. `incomplete`: accepted, but some workers could not be replaced
   * and are still the old ones. `abandoned`: a stop came first.
   */
  readonly outcome: 'accepted' | 'refused' | 'incomplete' | 'abandoned';
  /** The configuration in force afterwards, counted from 1. */
  readonly generation: number;
  readonly durationMs: number;
  /**
   * The options that changed: old and new value, where, and what takes the new one up; then certificates and paste files
   * whose content changed. Secrets are masked.
   */
  readonly changes: readonly ReloadChange[];
  /** The pipelines of paste files that changed: which filters and apps were added, removed and moved. */
  readonly pipelines: readonly PipelineChange[];
  /** Workers replaced, by service. */
  readonly replaced: Readonly<Record<string, number>>;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /**
   * Services of a process without workers that were stopped for it, and started again with the old configuration: a
   * refused reload has interrupted them.
   */
  readonly restored?: readonly string[];
  /** Why it was refused, or which workers are still the old ones. */
  readonly error?: string;
}

/** What came of a reload, as those who did it say. What is left out is empty. */
export type ReloadResult = Pick<ReloadReport, 'outcome'> &
  Partial<Pick<ReloadReport, 'error' | 'changes' | 'pipelines' | 'replaced' | 'added' | 'removed' | 'restored'>> & {
    /** The error behind it: its stack is for the log alone. */
    readonly thrown?: unknown;
  };

/** The circumstances a reload ended in. */
interface ReloadEnd {
  readonly generation: number;
  /** A stop came first. */
  readonly abandoned: boolean;
  readonly log: Logger;
}

/** The outcome of a reload that was accepted, from what did not work out. */
export function outcomeOf(failures: readonly string[]): Pick<ReloadReport, 'outcome' | 'error'> {
  return failures.length === 0 ? { outcome: 'accepted' } : { outcome: 'incomplete', error: failures.join('; ') };
}

/** A reload that this error ends. */
export function refusedFor(error: unknown): ReloadResult {
  const ordinary = error instanceof Error && !(error instanceof PorticoError);
  return { outcome: 'refused', error: ordinary ? error.message : describeError(error), thrown: error };
}

/** What was refused took nothing up. */
function notApplied(change: ReloadChange): ReloadChange {
  return { ...change, effect: 'not applied' };
}

/** How many are kept. */
const KEPT = 20;

/** The last reloads, oldest first, each logged in one line. */
export class ReloadReports {
  #reports: readonly ReloadReport[] = [];
  /** How many there were, by what came of them. */
  readonly counts: Record<ReloadReport['outcome'], number> = { accepted: 0, refused: 0, incomplete: 0, abandoned: 0 };

  get all(): readonly ReloadReport[] {
    return this.#reports;
  }

  /** Begins one; the function it gives ends it. */
  begin(method: ReloadReport['method']): (result: ReloadResult, end: ReloadEnd) => void {
    const at = new Date().toISOString();
    const begun = performance.now();
    return ({ thrown, ...result }, { generation, abandoned, log }) => {
      const durationMs = Math.round(performance.now() - begun);
      const known = {
        at,
        method,
        generation,
        durationMs,
        changes: [],
        pipelines: [],
        replaced: {},
        added: [],
        removed: [],
      };
      // What a stop cuts off fails by it: that is no reason.
      const { error, ...rest } = { ...known, ...result };
      const report = abandoned || error === undefined ? rest : { ...rest, error };
      const changes = result.outcome === 'refused' ? report.changes.map(notApplied) : report.changes;
      this.#add(
        { ...report, changes, ...(abandoned ? { outcome: 'abandoned' } : {}) },
        abandoned ? undefined : thrown,
        log,
      );
    };
  }

  #add(report: ReloadReport, thrown: unknown, log: Logger): void {
    this.#reports = [...this.#reports, report].slice(-KEPT);
    const { outcome, durationMs } = report;
    this.counts[outcome] += 1;
    const message = `${report.method === 'mutate' ? 'Mutate' : 'Reload'} ${outcome} after ${durationMs} ms`;
    const ordinary = thrown instanceof Error && !(thrown instanceof PorticoError);
    const facts = { event: 'reload', ...report, ...(ordinary ? { err: thrown } : {}) };
    if (outcome === 'accepted' || outcome === 'abandoned') log.notice(message, facts);
    else log.error(report.error === undefined ? message : `${message}: ${report.error}`, facts);
  }
}
