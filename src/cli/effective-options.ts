/**
 * The options a factory works with, as text to show: secrets masked.
 */
import {
  type Config,
  ConfigError,
  camelCase,
  isSecret,
  maskText,
  maskValue,
  type OptionDeclarations,
} from '../config/index.js';
import type { ContextTree } from '../loader/index.js';

/**
 * Declared options with their values, whoever set them; of factories that declare none, the section's options as they
 * are written. Options that are refused are shown as written: `check` says what is wrong with them.
 */
export function effectiveOptions(node: ContextTree, config: Config): [name: string, value: string][] {
  const { group, options } = (node.resolved ?? {}) as { group?: string; options?: OptionDeclarations };
  if (group === undefined || options === undefined) return asWritten(node, options);
  try {
    const values = config.group(group, options, { local: node.options }) as Readonly<Record<string, unknown>>;
    return Object.entries(options).map(([name, option]) => [name, maskValue(name, option, values[camelCase(name)])]);
  } catch (error) {
    if (error instanceof ConfigError) return asWritten(node, options);
    throw error;
  }
}

function asWritten(node: ContextTree, options: OptionDeclarations | undefined): [string, string][] {
  return [...node.localConf].map(([name, value]) => {
    const option = options?.[name];
    const shown = option === undefined && isSecret(name, undefined) ? '****' : maskText(name, option, value);
    return [name, shown.replaceAll('\n', ' ')];
  });
}
