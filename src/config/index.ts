/** `portico/config`: the typed configuration of a service. */

export { type Diagnostic, type Place, printDiagnostic } from '../errors/index.js';
export type {
  Change,
  ConfigChanges,
  Effect,
  PrepareReloadOptions,
  ReloadMethod,
  ReloadOptions,
  ReportedChange,
} from './changes.js';
export { Config, type CrossCheck, type MutateHook, type PreparedReload } from './config.js';
export {
  type ConfigDescription,
  declareDescribed,
  type GroupDescription,
  type OptionDescription,
  type Registration,
} from './documents/describe-options.js';
export type { LoadOptions, WorkerAssignment } from './load.js';
export { UsageError } from './sources/command-line.js';
export { withOverrides } from './sources/with-overrides.js';
export type { Resolved } from './sources/written.js';
export type { ConfigSnapshot } from './state.js';
export { cidr, type HostPort, host, hostport, ip, type ListenValue, listen } from './types/address-types.js';
export { dict, list, multi } from './types/collection-types.js';
export { defineOptions, lintOptions, type OptionRemark } from './types/define-options.js';
export { boolean, bytes, duration, float, integer, type NumberRange, port, range } from './types/number-types.js';
export type { Option, OptionDeclarations, OptionSpec, OptionsOf, WrittenValue } from './types/option.js';
export { module, oneOf, path, regexp, string, uri } from './types/text-types.js';
export type { GroupOptions, ValidateOptions } from './values/group-values.js';
export { ConfigError, type OptionMistake, refuseOption } from './values/mistakes.js';
