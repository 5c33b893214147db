/** Operating a running application: types of its status and reports, and the backdoor. `portico/launch` publishes them. */

export type { Backdoor, BackdoorOptions } from './backdoor/backdoor.js';
export { initializeIfEnabled } from './backdoor/backdoor-options.js';
export { BackdoorConfigValueError } from './backdoor/backdoor-ports.js';
export type { Answer, AnswerQuestion } from './questions.js';
export type { ReportSection } from './report/report.js';
export type { ReportedRequest } from './report/report-subjects.js';
export type {
  EndReason,
  HeldRequest,
  LauncherStatus,
  PipelineChange,
  ReloadChange,
  ReloadReport,
  ReloadUnderWay,
  ServiceStatus,
  WorkerEnd,
  WorkerStatus,
} from './status.js';
