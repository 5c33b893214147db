/** Comparison of two states of a project, for the command `plan`. */
export { compareStates, isToldElsewhere } from './compare-states.js';
export { counted, type Difference, STATUS_BREAKING } from './difference.js';
export { code, escaped, failureMarkdown, markdownOf, tableOf } from './print-markdown.js';
export { listOf, sumOf, textOf } from './print-text.js';
export { type ReplayChange, type ReplayedRoute, type ReplayReport, replay } from './replay.js';
export { withReplay } from './replay-differences.js';
export { linesOf } from './replay-lines.js';
export type { ReplayedRequest, ReplayIssue, ReplayVerdict } from './replay-process.js';
export { checkOut, commitOf, mergeBase, noRevision } from './revision.js';
export {
  type ApiState,
  type JobState,
  type MountState,
  type Operation,
  type OperationState,
  type OptionState,
  optionKey,
  type Parameter,
  type PartState,
  type PipelineState,
  type Place,
  type RouterState,
  type RouteState,
  requiredPath,
  type ServiceState,
  type State,
  templateKey,
} from './state.js';
export { type StateSource, stateFrom, stateLine } from './state-process.js';
