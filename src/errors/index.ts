/** Errors, diagnostics, and functions to format and collect them. */
export {
  type Diagnostic,
  markedLine,
  messageWithValue,
  type Origin,
  type Place,
  placeInFile,
  placeOf,
  printDiagnostic,
  shownPath,
} from './diagnostic.js';
export { inOrder, isError, loadFailure, printDiagnostics } from './diagnostic-list.js';
export {
  ConfigurationRefused,
  chosenStatus,
  type DiagnosticsDetails,
  describeError,
  didYouMean,
  type ErrorDetails,
  errorText,
  ignoreErrors,
  isObject,
  nearestNames,
  nearestOrAll,
  PorticoError,
  refuseUnknownOptions,
  unknownOption,
  whatItIs,
  withCode,
} from './errors.js';
export {
  ANY,
  BYTES,
  FLAG,
  FUNCTION,
  LIST,
  MILLISECONDS,
  OBJECT,
  type OptionKind,
  oneOf,
  refuseWrongValues,
  TEXT,
  withoutNulls,
} from './option-values.js';
export { gatherRefusals, Refusals, refusalsOnly, severalRefusals, whole } from './refusals.js';
