/** Exports for other directories of Portico: status, control socket, admin listener, reports and backdoor of a running application. */
export { initializeBackdoor } from './backdoor/backdoor.js';
export { backdoorOptions } from './backdoor/backdoor-options.js';
export { backdoorPorts } from './backdoor/backdoor-ports.js';
export { adminOptions, remoteAdmin } from './control/admin-guard.js';
export { ControlServer } from './control/control-server.js';
export type { Fleet } from './control/controlled.js';
export { endingCertificate } from './control/ended-certificates.js';
export { statusOf } from './control/extension-parts.js';
export { describeJob } from './control/jobs.js';
export { describeOverride } from './control/overrides.js';
export {
  describeConnections,
  type ShownRequest,
  type ShownWorker,
  type StatusDocument,
} from './control/status-document.js';
export { Control, type ControlledLauncher, controlOptions, controlPath } from './control-servers.js';
export { Diagnosis } from './diagnosis.js';
export {
  DESCRIBE_MS,
  DESCRIBE_TOPIC,
  OPTIONS_TOPIC,
  Questions,
  STATE_TOPIC,
  type StateQuestion,
} from './questions.js';
export {
  errorLines,
  GuruMeditation,
  type GuruMeditationOptions,
  refusalLines,
  reportOptions,
} from './report/report.js';
export { type ReportedRequest, requestsOf, type Telling } from './report/report-subjects.js';
export {
  cutOffText,
  describeEnd,
  describeRequest,
  howEnded,
  isOtherNode,
  mebibytes,
  NEW_PARENT,
  whatLoads,
  workerLines,
} from './status.js';
