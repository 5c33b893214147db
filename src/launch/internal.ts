/** Exports for other directories of Portico, in addition to the published ones. */
export { wasLogged } from './exit-status.js';
export { launch as launchOnCall } from './launch-on-call.js';
export { launcherOptions } from './launcher-options.js';
export { describeShare } from './parent/worker-memory.js';
export { startAhead } from './parent/worker-process.js';
export { SignalHandler } from './process/signals.js';
export { buildConfiguration } from './reload/build-configuration.js';
export { MORE_ERRORS_MS, refuseAll, type Validating, validateAfter, validated } from './services/validation.js';
export { isBuild, isWorker, tellBuilt } from './worker/parent-link.js';
