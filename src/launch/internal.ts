/** Exports for other directories of Portico, in addition to the published ones. */
export { initializeBackdoor } from './backdoor/backdoor.js';
export { backdoorOptions } from './backdoor/backdoor-options.js';
export { adminOptions, isLoopback, remoteAdmin } from './control/admin-guard.js';
export { describeConnections } from './control/connection-counts.js';
export { ControlServer } from './control/control-server.js';
export { describeRecent, describeRefused } from './control/recent.js';
export type { ShownRequest, ShownWorker, StatusDocument } from './control/status-document.js';
export { controlOptions, controlPath } from './control-servers.js';
export { wasLogged } from './exit-status.js';
export { launchedOptions } from './launched-options.js';
export { launcherOptions } from './launcher-options.js';
export { describeEnd, describeRequest, mebibytes } from './parent/worker-end.js';
export { startAhead } from './parent/worker-process.js';
export { SignalHandler } from './process/signals.js';
export { DESCRIBE_TOPIC } from './questions.js';
export { buildConfiguration } from './reload/build.js';
export { GuruMeditation, type GuruMeditationOptions, reportOptions } from './report/report.js';
export { isBuild, isWorker, tellBuilt } from './worker/parent-link.js';
