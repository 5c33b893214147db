/** Errors: the one class of Portico's, how they are told, and several at once. */
export {
  ConfigurationRefused,
  describeError,
  didYouMean,
  type ErrorDetails,
  nearestNames,
  type Origin,
  PorticoError,
  refuseUnknownOptions,
  unknownOption,
  whatItIs,
} from './errors.js';
export { orUndefined } from './or-undefined.js';
export { allInOne, gatherRefusals, mistakesOf, Refusals, refusalsOf, SeveralRefusals } from './several-refusals.js';
