/** The options of a section of the paste file as they apply: for output, with masked secrets. */
import type { Config, OptionDeclarations } from '../../config/index.js';
import { ConfigError, camelCase, isSecret, maskText, maskValue } from '../../config/internal.js';
import type { ContextTree } from '../../loader/index.js';
import { masked } from '../../text/index.js';

/** An option of a section. */
export interface EffectiveOption {
  readonly name: string;
  /** For output. */
  readonly shown: string;
  /** With its secrets. */
  readonly whole: string;
}

/**
 * Returns declared options with their effective values; for factories without declarations, the section's options as written. Refused
 * options are returned as written: `check` reports their errors.
 */
export function effectiveOptions(node: ContextTree, config: Config): EffectiveOption[] {
  const { group, options } = (node.resolved ?? {}) as { group?: string; options?: OptionDeclarations };
  if (group === undefined || options === undefined) return asWritten(node, options);
  try {
    const values = config.group(group, options, { local: node.options }) as Readonly<Record<string, unknown>>;
    return Object.entries(options).map(([name, option]) => {
      const value = values[camelCase(name)];
      const whole = value === undefined ? 'none' : option.format(value);
      return { name, shown: maskValue(name, option, value), whole };
    });
  } catch (error) {
    if (error instanceof ConfigError) return asWritten(node, options);
    throw error;
  }
}

function asWritten(node: ContextTree, options: OptionDeclarations | undefined): EffectiveOption[] {
  return [...node.localConf].map(([name, written]) => {
    const option = options?.[name];
    const whole = written.replaceAll('\n', ' ');
    const shown = option === undefined && isSecret(name, undefined) ? masked : maskText(name, option, whole);
    return { name, shown, whole };
  });
}
