/** Periodic jobs of a service over all its workers: in status, readiness and metrics. A view of what the workers report of their tasks. */
import type { PeriodicStatus } from '../../tasks/index.js';
import { agoText, countText, formatDuration } from '../../text/index.js';
import type { ServiceStatus, WorkerStatus } from '../status.js';
import { bySlot, gauge, type Metric, type NumberValue, valueIf } from './process-metrics.js';

/** A job. Times are in seconds. */
export interface ShownJob {
  readonly name: string;
  readonly spacing: number;
  /** Workers in which it runs, and for how long, the longest first. */
  readonly running: readonly { readonly worker: number; readonly seconds: number }[];
  /** Begun runs, and those that failed, of the present workers. */
  readonly runs: number;
  readonly errors: number;
  /** Since the start of the last run. */
  readonly lastStartAgo: number | undefined;
  /** Duration of the last run that has ended. */
  readonly lastSeconds: number | undefined;
  /** True if the last run of a worker failed. */
  readonly fails: boolean;
  readonly lastFailure: { readonly error: string; readonly ago: number } | undefined;
  /** Until the next run in any worker. */
  readonly nextIn: number | undefined;
  /** Worker of the next run. */
  readonly nextWorker: number | undefined;
}

/** Returns the jobs as the workers last reported them. */
export function jobsOf(workers: readonly Pick<WorkerStatus, 'id' | 'facts'>[]): ShownJob[] {
  const byName = new Map<string, OfWorker[]>();
  for (const { id, facts } of workers) {
    for (const job of (facts.periodic ?? []) as readonly PeriodicStatus[]) {
      byName.set(job.name, [...(byName.get(job.name) ?? []), { ...job, worker: id }]);
    }
  }
  return [...byName.values()].map(jobOf);
}

interface OfWorker extends PeriodicStatus {
  readonly worker: number;
}

function jobOf(all: readonly OfWorker[]): ShownJob {
  const latest = all.toSorted((a, b) => (a.lastEndAgo ?? Infinity) - (b.lastEndAgo ?? Infinity))[0]!;
  const next = all
    .filter(({ nextIn }) => nextIn !== undefined)
    .toSorted((a, b) => a.nextIn! - b.nextIn!)
    .at(0);
  const failed = all
    .flatMap(({ lastFailure: error, lastFailureAgo: ago }) => (error === undefined ? [] : [{ error, ago: ago ?? 0 }]))
    .sort((a, b) => a.ago - b.ago)[0];
  return {
    name: latest.name,
    spacing: latest.spacing,
    running: all
      .flatMap(({ worker, runningFor: seconds }) => (seconds === undefined ? [] : [{ worker, seconds }]))
      .sort((a, b) => b.seconds - a.seconds),
    runs: all.reduce((sum, { runs }) => sum + runs, 0),
    errors: all.reduce((sum, { errors }) => sum + errors, 0),
    lastStartAgo: least(all.map(({ lastStartAgo }) => lastStartAgo)),
    lastSeconds: latest.lastSeconds,
    fails: all.some(({ lastError }) => lastError !== undefined),
    lastFailure: failed,
    nextIn: next?.nextIn,
    nextWorker: next?.worker,
  };
}

function least(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** Returns a sentence for each job that runs longer than its spacing. */
export function overdueJobs(workers: readonly Pick<WorkerStatus, 'id' | 'facts'>[]): string[] {
  return jobsOf(workers).flatMap(({ name, spacing, running }) =>
    running
      .filter(({ seconds }) => seconds > spacing)
      .map(({ worker, seconds }) => {
        const since = `has been running for ${formatDuration(seconds)} in worker ${worker}`;
        return `job ${name} ${since}, longer than its spacing of ${formatDuration(spacing)}`;
      }),
  );
}

/** `job sync: every 5m, running for 2s in worker 0, 3 runs, the last took 1.2s, next in 4m; last failure 10m ago: down`. */
export function describeJob(job: ShownJob): string {
  const {
    name,
    spacing,
    running,
    runs,
    errors,
    lastStartAgo: ago,
    lastSeconds,
    fails,
    lastFailure,
    nextIn,
    nextWorker,
  } = job;
  const now = running.map(({ worker, seconds }) => `running for ${formatDuration(seconds)} in worker ${worker}`);
  const last = ago === undefined ? 'no run yet' : `last run ${agoText(ago)}`;
  const facts = [
    `every ${formatDuration(spacing)}`,
    ...(now.length > 0 ? now : [last]),
    countText(runs, 'run'),
    ...(errors > 0 ? [countText(errors, 'failure')] : []),
    ...(lastSeconds === undefined ? [] : [`the last took ${formatDuration(lastSeconds)}`]),
    ...(nextIn === undefined || now.length > 0 ? [] : [nextText(nextIn, nextWorker)]),
  ];
  const failed = lastFailure && `last failure ${agoText(lastFailure.ago)}: ${lastFailure.error}`;
  const failure = fails ? `it fails: ${lastFailure?.error ?? 'without a reason'}` : failed;
  return `job ${name}: ${facts.join(', ')}${failure === undefined ? '' : `; ${failure}`}`;
}

/** Time by which a run may be late without a reason. */
const LATE_S = 1;

/** A run is late if another job of its list still runs. */
function nextText(nextIn: number, worker: number | undefined): string {
  if (nextIn < -LATE_S)
    return `overdue by ${formatDuration(-nextIn)}${worker === undefined ? '' : ` in worker ${worker}`}`;
  return `next in ${formatDuration(Math.max(0, nextIn))}`;
}

/** Returns the gauges of the present runs. The workers count the ended ones: `portico_job_duration_seconds`. */
export function jobMetrics(services: readonly ServiceStatus[]): Metric[] {
  const each = (value: (job: PeriodicStatus) => number | undefined): NumberValue[] =>
    bySlot(services).flatMap(([labels, { facts }]) =>
      ((facts.periodic ?? []) as readonly PeriodicStatus[]).flatMap((job) =>
        valueIf({ ...labels, name: job.name }, value(job)),
      ),
    );
  return [
    gauge(
      'portico_job_running_seconds',
      'Time since the start of the present run of a periodic job; 0 without one.',
      each(({ runningFor = 0 }) => runningFor),
    ),
    gauge(
      'portico_job_spacing_seconds',
      'Time from one start of a periodic job to the next.',
      each(({ spacing }) => spacing),
    ),
  ];
}
