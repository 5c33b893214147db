/** What other directories of Portico use of this one beside what is published. */
export { backdoorOptions, initializeBackdoor } from './backdoor/backdoor.js';
export { adminOptions, isLoopback, remoteAdmin } from './control/admin-options.js';
export { controlOptions, controlPath } from './control/control-socket.js';
export type { ShownWorker, StatusDocument } from './control/status-document.js';
export { DEFAULT_SETTINGS, launcherOptions } from './launcher-options.js';
export { wasLogged } from './process/log-failure.js';
export { SignalHandler } from './process/signal-handler.js';
export { processReport, supervisorOptions } from './report/diagnosis.js';
export { DESCRIBE_TOPIC } from './report/questions.js';
export { GuruMeditation, type GuruMeditationOptions, reportOptions } from './report/report.js';
export { isRehearsal, isWorker } from './worker/parent-link.js';
