/**
 * Options from environment variables: `PORTICO_<GROUP>__<OPT>`, and `…_FILE` for secrets.
 */

import type { Option } from '../types/option.js';
import type { Spelling } from '../values/declared-groups.js';
import { type Report, type Sources, variableName, type Written } from './sources.js';

/** The prefix of variables that oslo.config reads; ours too, under `os_env_compat`. */
const osPrefix = 'OS';

/** Takes the variables that may be options out of an environment: those with the prefix and `__`. */
export function optionVariables(env: NodeJS.ProcessEnv, prefix: string): Record<string, string> {
  const form = new RegExp(`^(?:${prefix}|${osPrefix})_.+?__.+$`, 's');
  const found = Object.entries(env).filter(([name, value]) => form.test(name) && value !== undefined);
  return Object.fromEntries(found) as Record<string, string>;
}

/** The names of variables with the prefix and no `__`: of an option, with one underscore too few, or of something else. */
export function otherVariables(env: NodeJS.ProcessEnv, prefix: string): string[] {
  return Object.keys(env).filter((name) => name.startsWith(`${prefix}_`) && !name.includes('__'));
}

/** What is looked up, and what for. */
export interface EnvironmentQuery {
  readonly sources: Sources;
  readonly name: Spelling;
  readonly option: Option;
  /** Whether `OS_<GROUP>__<OPT>` counts as well. */
  readonly osCompat: boolean;
  readonly readFile: (path: string) => Uint8Array;
  readonly report: Report;
}

/** The values the environment has for one spelling of an option. A variable that is empty sets the option to empty. */
export function writtenInEnvironment(query: EnvironmentQuery): Written[] {
  const { sources, name, option, report } = query;
  const own = fromVariable(query, variableName(sources.envPrefix, name.group, name.opt));
  const os = query.osCompat ? fromVariable(query, variableName(osPrefix, name.group, name.opt)) : undefined;
  if (own !== undefined && os !== undefined && own.text !== os.text) {
    report('error', 'PORTICO_CONFIG_CONTRADICTION', own, {
      message: `is set to another value by ${os.location.detail}`,
      hint: 'unset one of them',
    });
  }
  const found = own ?? os;
  if (found === undefined) return [];
  return option.repeatable ? eachItem(found) : [found];
}

function fromVariable(query: EnvironmentQuery, variable: string): Written | undefined {
  const { sources, name, option, report } = query;
  const { group, opt } = name;
  const written = (text: string, detail: string): Written => ({
    group,
    opt,
    text,
    location: { kind: 'environment', detail },
  });
  const text = sources.environment[variable];
  const fileVariable = `${variable}_FILE`;
  const file = option.secret ? sources.environment[fileVariable] : undefined;
  if (file === undefined) return text === undefined ? undefined : written(text, variable);
  const fromFile = written('', fileVariable);
  if (text !== undefined) {
    report('error', 'PORTICO_CONFIG_CONTRADICTION', fromFile, {
      message: `is set by ${variable} too`,
      hint: 'unset one of them',
    });
  }
  try {
    const content = Buffer.from(query.readFile(file)).toString('utf8');
    return { ...fromFile, text: content.replace(/\r?\n$/, '') };
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    report('error', 'PORTICO_CONFIG_FILE', fromFile, { message: `cannot read ${file}: ${reason}` });
    return undefined;
  }
}

/** A JSON array gives one item for each element; anything else is one item. */
function eachItem(written: Written): Written[] {
  if (!written.text.trimStart().startsWith('[')) return [written];
  try {
    const items: unknown = JSON.parse(written.text);
    return Array.isArray(items) ? items.map((item) => ({ ...written, text: String(item) })) : [written];
  } catch {
    return [written];
  }
}
