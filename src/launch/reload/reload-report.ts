/**
 * What came of a reload, for the log and for whoever asks later.
 */
import type { ReportedChange } from '../../config/index.js';
import type { Logger } from '../../log.js';
import type { PipelineChange } from './outline.js';

/** One reload. */
export interface ReloadReport {
  /** When it began, ISO 8601. */
  readonly at: string;
  readonly method: 'reload' | 'mutate';
  /**
   * `accepted`: all is new. `refused`: nothing was touched. `incomplete`: accepted, but some workers could not be replaced
   * and are still the old ones. `abandoned`: a stop came first.
   */
  readonly outcome: 'accepted' | 'refused' | 'incomplete' | 'abandoned';
  /** The configuration in force afterwards, counted from 1. */
  readonly generation: number;
  readonly durationMs: number;
  /** The options that changed: old and new value, where, and what takes the new one up. Secrets are masked. */
  readonly changes: readonly ReportedChange[];
  /** The pipelines of paste files that changed: which filters and apps were added, removed and moved. */
  readonly pipelines: readonly PipelineChange[];
  /** Workers replaced, by service. */
  readonly replaced: Readonly<Record<string, number>>;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Why it was refused, or which workers are still the old ones. */
  readonly error?: string;
}

/** What came of a reload, as those who did it say. What is left out is empty. */
export type ReloadResult = Pick<ReloadReport, 'outcome'> &
  Partial<Pick<ReloadReport, 'error' | 'changes' | 'pipelines' | 'replaced' | 'added' | 'removed'>>;

/** The circumstances a reload ended in. */
export interface ReloadEnd {
  readonly generation: number;
  /** A stop came first. */
  readonly abandoned: boolean;
  readonly log: Logger;
}

/** The outcome of a reload that was accepted, from what did not work out. */
export function judge(failures: readonly string[]): Pick<ReloadReport, 'outcome' | 'error'> {
  return failures.length === 0 ? { outcome: 'accepted' } : { outcome: 'incomplete', error: failures.join('; ') };
}

/** How many are kept. */
const KEPT = 20;

/** The last reloads, oldest first, each logged in one line. */
export class ReloadReports {
  #reports: readonly ReloadReport[] = [];

  get all(): readonly ReloadReport[] {
    return this.#reports;
  }

  /** Begins one; the function it gives ends it. */
  begin(method: ReloadReport['method']): (result: ReloadResult, end: ReloadEnd) => void {
    const at = new Date().toISOString();
    const begun = performance.now();
    return (result, { generation, abandoned, log }) => {
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
      this.#add({ ...known, ...result, ...(abandoned ? { outcome: 'abandoned' } : {}) }, log);
    };
  }

  #add(report: ReloadReport, log: Logger): void {
    this.#reports = [...this.#reports, report].slice(-KEPT);
    const { outcome, durationMs } = report;
    const message = `${report.method === 'mutate' ? 'Mutate' : 'Reload'} ${outcome} after ${durationMs} ms`;
    const facts = { event: 'reload', ...report };
    if (outcome === 'accepted') log.info(message, facts);
    else if (outcome === 'abandoned') log.warn(message, facts);
    else log.error(report.error === undefined ? message : `${message}: ${report.error}`, facts);
  }
}
