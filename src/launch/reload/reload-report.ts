/**
 * Outcome of a reload, for the log, `status()` and the control socket.
 */
import { type Diagnostic, describeError, PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import { pagesOfError } from '../../modules/index.js';
import { LeftChanges } from './left-changes.js';
import type { PipelineChange, ReloadChange } from './service-plans.js';

/** One reload. */
export interface ReloadReport {
  /** When it began, ISO 8601. */
  readonly at: string;
  readonly method: 'reload' | 'mutate';
  /** It was only tried: outcome and changes are those that a reload would have, and nothing was touched. */
  readonly dryRun?: true;
  /**
   * `accepted`: all is new. `refused`: the old configuration is in force, and nothing was touched. `incomplete`: accepted, but some
   * workers, or services of this process, are still the old ones. `abandoned`: a stop came first.
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
  /** Warnings of the new configuration: certificates that have ended, or end soon, among them. */
  readonly warnings: readonly string[];
  /** Workers replaced, by service. */
  readonly replaced: Readonly<Record<string, number>>;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Why it was refused, or which workers are still the old ones. */
  readonly error?: string;
  /** Pages of the reference that explain why it was refused: paths in the package, each with an anchor. */
  readonly pages?: readonly string[];
}

/** Outcome of a reload, as its runner reports it. Absent members are empty. */
export type ReloadResult = Pick<ReloadReport, 'outcome'> &
  Partial<
    Pick<ReloadReport, 'error' | 'pages' | 'changes' | 'pipelines' | 'warnings' | 'replaced' | 'added' | 'removed'>
  > & {
    /** Sections that no service reads, and code that is not loaded again: for its warnings. */
    readonly found?: readonly Diagnostic[];
    /** Options whose old values a service of this process, or a worker, keeps, though the configuration has the new ones. */
    readonly kept?: ReadonlySet<string>;
    /** The error behind it: its stack is for the log alone. */
    readonly thrown?: unknown;
    /** Its failure is why the launch ends: no stop came first. */
    readonly endsLaunch?: true;
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
  const pages = pagesOfError(error);
  const why = { error: ordinary ? error.message : describeError(error), ...(pages.length > 0 ? { pages } : {}) };
  return { outcome: 'refused', ...why, thrown: error };
}

/** A refused or abandoned reload applied no change. */
function notApplied(change: ReloadChange): ReloadChange {
  return { ...change, effect: 'not applied' };
}

/** A reload that has not ended. */
export interface ReloadUnderWay {
  /** When it began, ISO 8601. */
  readonly at: string;
  readonly method: ReloadReport['method'];
  readonly dryRun: boolean;
}

/** How many are kept. */
const KEPT = 20;

/** The last reloads, oldest first, each logged in one line. */
export class ReloadReports {
  #reports: readonly ReloadReport[] = [];
  readonly #left = new LeftChanges();
  /** How many there were, by what came of them. */
  readonly counts: Record<ReloadReport['outcome'], number> = { accepted: 0, refused: 0, incomplete: 0, abandoned: 0 };

  /** The one that is under way. */
  #current: ReloadUnderWay | undefined;

  /** For a status. */
  get known(): {
    readonly reloads: readonly ReloadReport[];
    readonly reloading: ReloadUnderWay | undefined;
    readonly left: readonly ReloadChange[];
  } {
    return { reloads: this.#reports, reloading: this.#current, left: this.#left.all };
  }

  /** Logs that another one is asked for while one is under way, and what that is at. */
  waits(log: Logger, doing: () => string): void {
    if (this.#current === undefined) return;
    log.notice(`A reload waits for the one that has been running since ${this.#current.at}: ${doing()}`);
  }

  /** Begins one; the function it gives ends it. A dry run is logged, but neither kept nor counted. */
  begin(method: ReloadReport['method'], dryRun: boolean): (result: ReloadResult, end: ReloadEnd) => ReloadReport {
    const at = new Date().toISOString();
    const begun = performance.now();
    this.#current = { at, method, dryRun };
    return ({ thrown, endsLaunch, kept = new Set(), ...result }, { generation, log, ...end }) => {
      const abandoned = end.abandoned && endsLaunch !== true;
      this.#current = undefined;
      // Work that a stop cuts off fails by it: that is no reason.
      const { error: _error, pages: _pages, ...work } = result;
      const told = abandoned ? { ...work, outcome: 'abandoned' as const } : result;
      const inForce = result.outcome === 'accepted' || result.outcome === 'incomplete';
      const { changes = [] } = result;
      const report: ReloadReport = {
        at,
        method,
        ...(dryRun ? { dryRun: true as const } : {}),
        generation,
        durationMs: Math.round(performance.now() - begun),
        pipelines: [],
        warnings: [],
        replaced: {},
        added: [],
        removed: [],
        ...told,
        changes: inForce ? changes : changes.map(notApplied),
      };
      if (!dryRun) {
        this.#reports = [...this.#reports, report].slice(-KEPT);
        this.counts[report.outcome] += 1;
        if (inForce) this.#left.accepted(changes, kept);
      }
      logReport(log, report, abandoned ? undefined : thrown);
      return report;
    };
  }
}

function logReport(log: Logger, report: ReloadReport, thrown: unknown): void {
  const { outcome, durationMs, method } = report;
  const ordinary = thrown instanceof Error && !(thrown instanceof PorticoError);
  const facts = { ...report, ...(ordinary ? { err: thrown } : {}) };
  if (report.dryRun) {
    // A refusal goes to the operator who asked; the service has no error.
    log.notice(`Dry run of a ${method}: ${outcome} after ${durationMs} ms`, { event: 'reload_dry_run', ...facts });
    return;
  }
  const message = `${method === 'mutate' ? 'Mutate' : 'Reload'} ${outcome} after ${durationMs} ms`;
  const all = { event: 'reload', ...facts };
  if (outcome === 'accepted' || outcome === 'abandoned') log.notice(message, all);
  else log.error(report.error === undefined ? message : `${message}: ${report.error}`, all);
}
