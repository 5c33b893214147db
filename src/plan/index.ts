/** Comparison of two states of a project, for the command `plan`. */
export { compareStates } from './compare-states.js';
export { counted, type Difference, type DifferenceClass, STATUS_BREAKING } from './difference.js';
export { code, escaped, markdownOf, tableOf } from './print-markdown.js';
export { type Noted, placeOf, sumOf, textOf } from './print-text.js';
export { type ReplayReport, replay, templateKey } from './replay.js';
export { linesOf } from './replay-lines.js';
export type { ReplayedRequest, ReplayVerdict } from './replay-process.js';
export { type Checkout, checkOut, commitOf, mergeBase, noRevision } from './revision.js';
export { RULES, type RuleName } from './rules.js';
export type {
  ApiState,
  InterfaceState,
  JobState,
  MountState,
  Operation,
  OperationState,
  OptionState,
  Parameter,
  PartState,
  PipelineState,
  Place,
  RouterState,
  RouteState,
  ServiceState,
  State,
} from './state.js';
export { type StateSource, stateFrom, stateLine } from './state-process.js';
