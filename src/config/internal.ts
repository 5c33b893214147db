/** Exports for other directories of Portico, in addition to the published ones. */

export { ConfigurationRefused, printDiagnostic, UsageError } from '../errors/index.js';
export { withOverrides } from './config.js';
export { crossCheck, withoutHint } from './config-holder.js';
export { generateSample, type SampleOptions } from './documents/sample.js';
export {
  byGroup,
  differencesFromDefaults,
  logOptions,
  type ShownOption,
  showOptions,
} from './documents/show.js';
export { writeOption } from './documents/write-ini.js';
export { missingExtension, shippedExtensions } from './extensions.js';
export { asTrial, buildAsWorker, currentTrial, isTrial, workerAssignment } from './load-config.js';
export {
  commandLogger,
  followLevel,
  logFileIssue,
  logFileOf,
  programLogOptions,
  refuseOtherLogFile,
  serversLogger,
} from './program-log.js';
export { isFifo, readUnlessFifo } from './read-unless-fifo.js';
export { HelpRequested, maskArguments } from './sources/command-line-values.js';
export { searchedDirs } from './sources/default-files.js';
export { confNames } from './sources/read-files.js';
export { watchFiles } from './sources/watch-files.js';
export { isLoopback, LONGEST_SOCKET_PATH, writeHostPort } from './types/address-types.js';
export {
  checkDefinitions,
  isSectional,
  loadedGroups,
  type OwnedGroup,
  owns,
  rememberLoaded,
} from './types/define-options.js';
export { present } from './types/describe-options.js';
export {
  type HostMatcher,
  hostMatcher,
  hostPattern,
  originMatcher,
  originPattern,
  type ReadHost,
  readHost,
  readOrigin,
} from './types/host-patterns.js';
export { givesAway, isSecret, maskText, maskValue } from './types/mask.js';
export { camelCase, declareType, InvalidValue, writtenElsewhere } from './types/option.js';
export { configOptions } from './values/declared-groups.js';
export { unknownLocals } from './values/group-values.js';
export { ConfigError, diagnose, isSet, readingFrom, refusedConfig } from './values/option-issues.js';
export { isShipped, writeTable } from './values/owners.js';
export { writableAmong, writableFiles } from './values/writable-files.js';
export { variableName } from './values/written.js';
