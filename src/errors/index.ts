/** Errors: the one class of Portico's, diagnostics as data, how both are told, and several at once. */
export {
  type Diagnostic,
  inOrder,
  markedLine,
  messageWithValue,
  type Origin,
  type Place,
  placeInFile,
  placeOf,
  printDiagnostic,
  printDiagnostics,
  shownPath,
} from './diagnostic.js';
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
export { gatherRefusals, Refusals, severalRefusals, untold } from './refusals.js';
