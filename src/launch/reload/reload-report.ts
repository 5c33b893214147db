/** Makes the report of a reload that ended, accepted or refused, and writes it to the log. */
import { type Diagnostic, describeError, PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import { pagesOfError } from '../../modules/index.js';
import type { ReloadChange, ReloadReport, ReloadUnderWay } from '../../operating/index.js';

/** Outcome of a reload, as reported by its runner. Absent members are empty. */
export type ReloadResult = Pick<ReloadReport, 'outcome'> &
  Partial<
    Pick<
      ReloadReport,
      'error' | 'pages' | 'changes' | 'pipelines' | 'warnings' | 'replaced' | 'draining' | 'added' | 'removed'
    >
  > & {
    /** Warnings: sections that no service reads, and code that is not loaded again. */
    readonly found?: readonly Diagnostic[];
    /** The cause of the error; its stack goes to the log only. */
    readonly thrown?: unknown;
  };

/** Circumstances at the end of a reload. */
interface ReloadEnd {
  readonly generation: number;
  /** True if a stop was requested first. */
  readonly abandoned: boolean;
  readonly log: Logger;
}

/** Returns the outcome of an accepted reload from its failures. */
export function outcomeOf(failures: readonly string[]): Pick<ReloadReport, 'outcome' | 'error'> {
  return failures.length === 0 ? { outcome: 'accepted' } : { outcome: 'incomplete', error: failures.join('; ') };
}

/** Returns the result of a reload that ends with this error. */
export function refusedFor(error: unknown): ReloadResult {
  const ordinary = error instanceof Error && !(error instanceof PorticoError);
  const pages = pagesOfError(error);
  const why = { error: ordinary ? error.message : describeError(error), ...(pages.length > 0 ? { pages } : {}) };
  return { outcome: 'refused', ...why, thrown: error };
}

/** Reports whether the new configuration applies. */
function isInForce({ outcome }: Pick<ReloadReport, 'outcome'>): boolean {
  return outcome === 'accepted' || outcome === 'incomplete';
}

/** Marks a change as not applied, for a refused or abandoned reload. */
function notApplied(change: ReloadChange): ReloadChange {
  return { ...change, effect: 'not applied' };
}

/** Number of reports that are kept. */
const KEPT = 20;

/** The last reloads, oldest first, each logged in one line. */
export class ReloadReports {
  #reports: readonly ReloadReport[] = [];
  /** Changes of the last accepted reload that wait for a restart: each reload compares with the values that apply. */
  #left: readonly ReloadChange[] = [];
  /** Number of reloads by outcome. */
  readonly counts: Record<ReloadReport['outcome'], number> = { accepted: 0, refused: 0, incomplete: 0, abandoned: 0 };

  /** The reload in progress. */
  #current: ReloadUnderWay | undefined;
  /** Number of requests that were cut off in workers that it has replaced. */
  #cutOff = 0;

  /** Reports and counts, for a status. */
  get known(): {
    readonly reloads: readonly ReloadReport[];
    readonly reloading: ReloadUnderWay | undefined;
    readonly left: readonly ReloadChange[];
  } {
    return { reloads: this.#reports, reloading: this.#current, left: this.#left };
  }

  /** Adds requests that were cut off in a replaced worker to the report of the reload that replaced it. */
  cutOff(generation: number, count: number): void {
    const at = this.#reports.findIndex((report) => isInForce(report) && report.generation > generation);
    const report = this.#reports[at];
    if (report === undefined) this.#cutOff += count;
    else this.#reports = this.#reports.with(at, { ...report, cutOff: (report.cutOff ?? 0) + count });
  }

  /** Logs that a reload was requested while another one is in progress, with the present step of that one. */
  waits(log: Logger, doing: () => string): void {
    if (this.#current === undefined) return;
    log.notice(`A reload waits for the one that has been running since ${this.#current.at}: ${doing()}`);
  }

  /** Begins a reload; the returned function ends it. A dry run is logged, but neither kept nor counted. */
  begin(method: ReloadReport['method'], dryRun: boolean): (result: ReloadResult, end: ReloadEnd) => ReloadReport {
    const at = new Date().toISOString();
    const begun = performance.now();
    this.#current = { at, method, dryRun };
    this.#cutOff = 0;
    return ({ thrown, ...result }, { generation, log, abandoned }) => {
      this.#current = undefined;
      // Work that a stop cuts off fails because of the stop: that failure is not a reason.
      const { error: _error, pages: _pages, ...work } = result;
      const told = abandoned ? { ...work, outcome: 'abandoned' as const } : result;
      const inForce = isInForce(result);
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
        ...(this.#cutOff > 0 ? { cutOff: this.#cutOff } : {}),
        changes: inForce ? changes : changes.map(notApplied),
      };
      if (!dryRun) {
        this.#reports = [...this.#reports, report].slice(-KEPT);
        this.counts[report.outcome] += 1;
        if (inForce) this.#left = changes.filter(({ effect }) => effect === 'needs a restart');
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
    // The operator who requested the dry run gets the refusal; the service has no error.
    log.notice({ event: 'reload_dry_run', ...facts }, `Dry run of a ${method}: ${outcome} after ${durationMs} ms`);
    return;
  }
  const message = `${method === 'mutate' ? 'Mutate' : 'Reload'} ${outcome} after ${durationMs} ms`;
  const all = { event: 'reload', ...facts };
  if (outcome === 'accepted' || outcome === 'abandoned') log.notice(all, message);
  // The field has the whole error.
  else log.error(all, report.error === undefined ? message : `${message}: ${report.error.split('\n', 1)[0]}`);
}
