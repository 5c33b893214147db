/**
 * The report of a process that runs services: what each of them can tell about itself.
 */
import type { Config } from '../../config/index.js';
import type { ServiceBase } from '../../service/index.js';
import type { Activity, PeriodicStatus } from '../../tasks/index.js';
import { GuruMeditation, type GuruMeditationOptions, type ReportedRequest } from './report.js';

/** What there is to report about. */
export interface ProcessReportOptions
  extends Pick<GuruMeditationOptions, 'service' | 'product' | 'vendor' | 'version' | 'program' | 'workers' | 'output'> {
  /** The services of this process, asked for each report. */
  readonly services: () => Iterable<ServiceBase>;
  readonly config?: Config | undefined;
}

/** What a service may have beside its four verbs. */
interface Telling {
  readonly tasks?: { activity?(): Iterable<Activity> };
  readonly periodicTasks?: readonly { status(): Iterable<PeriodicStatus> }[];
  /** Requests that have not been answered. */
  requestsInFlight?(): Iterable<ReportedRequest>;
}

/** A reporter of the services of this process: their tasks, periodic tasks, and what `describeWork` says. */
export function processReport({ services, config, ...options }: ProcessReportOptions): GuruMeditation {
  const each = <T>(tell: (service: ServiceBase & Telling) => Iterable<T>): (() => T[]) => {
    return () => [...services()].flatMap((service) => [...tell(service as ServiceBase & Telling)]);
  };
  return new GuruMeditation({
    ...options,
    ...(config !== undefined && { config }),
    activity: each(({ tasks }) => tasks?.activity?.() ?? []),
    periodicTasks: each(({ periodicTasks = [] }) => periodicTasks.flatMap((tasks) => [...tasks.status()])),
    // A supervisor serves none: those of its workers are in their reports.
    ...(options.workers === undefined && { requests: each((service) => service.requestsInFlight?.() ?? []) }),
    work: each((service) => service.describeWork?.() ?? []),
  });
}
