/** Internal exports for other directories of Portico. */
export { ownLimitMs, pause, systemClock, within } from './clock.js';
export { type Deferred, deferred } from './deferred.js';
export { JobList } from './job-list.js';
export type { LastRuns } from './periodic-slot.js';
export { PeriodicRunner, type PeriodicRunnerOptions } from './periodic-tasks.js';
