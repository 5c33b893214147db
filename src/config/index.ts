/** `portico/config`: the typed configuration of a service. */
export { cidr, type HostPort, host, hostport, ip, type ListenValue, listen } from './address-types.js';
export type { MutateHook } from './change-hooks.js';
export {
  type Change,
  type ConfigChanges,
  describeChange,
  type Effect,
  type ReloadMethod,
  type ReportedChange,
} from './changes.js';
export { dict, list, multi } from './collection-types.js';
export { UsageError } from './command-line.js';
export { HelpRequested } from './command-line-help.js';
export { commandName } from './command-name.js';
export { Config, type ReloadOptions, type ValidateOptions } from './config.js';
export { type CheckIssue, type CrossCheck, refuseOption } from './cross-check.js';
export { declareType, type ValueType } from './declare.js';
export { defineOptions } from './define-options.js';
export {
  type ConfigDescription,
  declareDescribed,
  describeOptions,
  type GroupDescription,
  type OptionDescription,
  type Registration,
} from './describe-options.js';
export { sourceOptions } from './external-sources.js';
export type { GroupOptions } from './group-values.js';
export { ConfigError, type ConfigIssue, describeIssue, type Location, placeOf } from './issue.js';
export { lintOptions, type OptionRemark } from './lint-options.js';
export type { LoadOptions } from './load.js';
export { logOptions } from './log-options.js';
export { isSecret, maskText, maskUris, maskValue } from './mask.js';
export { boolean, float, integer, type NumberRange, port, range } from './number-types.js';
export {
  camelCase,
  InvalidValue,
  type Option,
  type OptionDeclarations,
  type OptionSpec,
  type OptionsOf,
  type WrittenValue,
} from './option.js';
export { configOptions } from './own-options.js';
export type { PreparedReload } from './prepared-reload.js';
export type { Resolved } from './resolver.js';
export { generateSample, type SampleOptions } from './sample.js';
export {
  diffConfigs,
  differencesFromDefaults,
  type ShownDifference,
  type ShownOption,
  showOption,
  showOptions,
} from './show.js';
export type { ConfigSnapshot } from './state.js';
export { module, oneOf, path, regexp, string, uri } from './text-types.js';
export { bytes, duration } from './unit-types.js';
export { type Renaming, type Upgrade, upgradeText } from './upgrade.js';
export { type WatchOptions, watchFiles } from './watch-files.js';
export { withOverrides } from './with-overrides.js';
export { type WorkerAssignment, workerAssignment } from './worker-configuration.js';
export { type IniSections, writeIni, writeOption } from './write-ini.js';
