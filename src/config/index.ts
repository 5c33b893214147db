/** `portico/config`: the typed configuration of a service. */
export { cidr, type HostPort, host, hostport, ip, type ListenValue, listen } from './address-types.js';
export { dict, list, multi } from './collection-types.js';
export { Config, type GroupOptions } from './config.js';
export { defineOptions } from './define-options.js';
export { ConfigError, type ConfigIssue, describeIssue, type Location } from './issue.js';
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
export { module, oneOf, path, regexp, string, uri } from './text-types.js';
export { bytes, duration } from './unit-types.js';
