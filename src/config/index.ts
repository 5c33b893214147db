/** `portico/config`: the typed configuration of a service. */

export {
  type ConfigurationRefused,
  type Diagnostic,
  type DiagnosticsDetails,
  type ErrorDetails,
  type Location,
  type Origin,
  PorticoError,
} from '../errors/index.js';
export type { Change, ReportedChange } from './changes.js';
export { Config, type CrossCheck, type NextConfig, type NextReading } from './config.js';
export { crossCheck } from './config-holder.js';
export { type LoadOptions, type WorkerAssignment, type WorkerConfiguration, workerAssignment } from './load-config.js';
export type { ConfigSnapshot, Written } from './state.js';
export {
  cidr,
  type HostPort,
  type HostPortSpec,
  host,
  hostport,
  ip,
  type ListenValue,
  listen,
  type VersionSpec,
} from './types/address-types.js';
export { type DictSpec, dict, type ListSpec, list, multi } from './types/collection-types.js';
export { defineOptions } from './types/define-options.js';
export type { Registration } from './types/describe-options.js';
export {
  type Bounds,
  boolean,
  bytes,
  type DurationSpec,
  type DurationUnit,
  duration,
  float,
  integer,
  type NumberRange,
  type NumberSpec,
  port,
  range,
} from './types/number-types.js';
export type {
  Declare,
  Elsewhere,
  Option,
  OptionDeclarations,
  OptionSpec,
  OptionsOf,
  WrittenValue,
} from './types/option.js';
export {
  type Choices,
  module,
  oneOf,
  type PathSpec,
  path,
  regexp,
  type StringSpec,
  string,
  type UriSpec,
  uri,
} from './types/text-types.js';
export type { GroupOptions, ValidateOptions } from './values/group-values.js';
export { type ConfigError, type OptionIssue, type OptionLocations, refuseOption } from './values/option-issues.js';
export type { Resolved } from './values/written.js';
