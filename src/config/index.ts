/** `portico/config`: the typed configuration of a service. */
export { Config, type GroupOptions } from './config.js';
export type { Option, OptionDeclarations, OptionsOf, WrittenValue } from './option.js';
