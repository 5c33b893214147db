/** The configuration of a service. */
import { type ConfigIssue, refuseErrors, suggestion } from './issue.js';
import {
  camelCase,
  InvalidValue,
  type Option,
  type OptionDeclarations,
  type OptionsOf,
  type WrittenValue,
} from './option.js';

export interface GroupOptions {
  /** Values written nearer to the user of the group than the group itself (a paste section): they win. */
  readonly local?: ReadonlyMap<string, WrittenValue>;
}

export class Config {
  /** The typed, frozen values of a group. Throws {@link ConfigError} with everything that is wrong with it. */
  group<D extends OptionDeclarations>(name: string, options: D, from: GroupOptions = {}): OptionsOf<D> {
    const local = from.local ?? new Map<string, WrittenValue>();
    const issues: ConfigIssue[] = [];
    const values: Record<string, unknown> = {};
    for (const key of local.keys()) {
      if (!Object.hasOwn(options, key)) issues.push(unknownLocal(name, key, local.get(key), options));
    }
    for (const [key, option] of Object.entries(options)) {
      values[camelCase(key)] = localValue(name, key, option, local.get(key), issues);
    }
    refuseErrors(issues);
    return Object.freeze(values) as OptionsOf<D>;
  }
}

function localValue(
  group: string,
  opt: string,
  option: Option,
  written: WrittenValue | undefined,
  issues: ConfigIssue[],
) {
  const location = written?.origin && {
    kind: 'file' as const,
    detail: `${written.origin.file}:${written.origin.line}:${written.origin.column}`,
    origin: written.origin,
  };
  const section = written?.origin?.section ?? group;
  try {
    const value = written === undefined ? option.default : option.parse(written.value);
    if (option.required && value === undefined) {
      issues.push({
        severity: 'error',
        code: 'PORTICO_CONFIG_REQUIRED',
        group: section,
        opt,
        location,
        message: 'value required',
      });
    }
    return value;
  } catch (error) {
    const hint = error instanceof InvalidValue ? error.hint : undefined;
    const got = option.secret ? '****' : written?.value;
    const { message } = error as Error;
    issues.push({ severity: 'error', code: 'PORTICO_CONFIG_VALUE', group: section, opt, location, message, got, hint });
    return undefined;
  }
}

function unknownLocal(
  group: string,
  opt: string,
  written: WrittenValue | undefined,
  options: OptionDeclarations,
): ConfigIssue {
  const origin = written?.origin;
  const detail = origin === undefined ? '' : `${origin.file}:${origin.line}:${origin.column}`;
  return {
    severity: 'error',
    code: 'PORTICO_CONFIG_UNKNOWN_OPTION',
    group: origin?.section ?? group,
    opt,
    location: origin && { kind: 'file', detail, origin },
    message: 'unknown option',
    hint: suggestion(opt, Object.keys(options)),
  };
}
