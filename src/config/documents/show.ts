/** Views of a configuration for an operator: values and their locations. Secrets are masked throughout. */
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '../../log/index.js';
import type { Config } from '../config.js';
import { isSectional } from '../types/define-options.js';
import { maskText, maskValue } from '../types/mask.js';
import type { Resolved } from '../values/written.js';

/** One option as written. */
export type ShownOption = ReturnType<typeof shown>;

/** Returns all options, `DEFAULT` first, then by group and name. */
export function showOptions(config: Config): ShownOption[] {
  return byGroup(config.resolveAll()).map(shown);
}

/** Returns the options whose values differ from their declared defaults. */
export function differencesFromDefaults(config: Config): ShownOption[] {
  return showOptions(config).filter(({ isDefault }) => !isDefault);
}

function shown({ group, opt, option, value, written, location, shadowed, issues }: Resolved) {
  const ofPaste = isSectional(group);
  const isLeftOut = ofPaste && location.kind === 'default';
  const refused = value === undefined && !isLeftOut ? issues.find(({ severity }) => severity === 'error') : undefined;
  const last = written.at(-1);
  return {
    group,
    opt,
    /** A refused value is shown as written. */
    value:
      refused === undefined || last === undefined ? maskValue(opt, option, value) : maskText(opt, option, last.text),
    /** Reason of a refused value. */
    ...(refused === undefined ? {} : { refused: refused.message }),
    location,
    /** Sections of the paste file may set it, and take precedence: one that is required and not set is not refused. */
    ...(ofPaste && { ofPaste }),
    /** Overridden values, highest precedence first. */
    shadowed: shadowed.map((written) => ({ value: maskText(opt, option, written.text), location: written.location })),
    isDefault: location.kind === 'default' || isDeepStrictEqual(value, option.default),
  };
}

/** Logs sources and values at debug: `[DEFAULT]` first, then group by group, each sorted by name. */
export function logOptions(config: Config, log: Logger): void {
  if (!log.enabled('debug')) return;
  log.debug('Full set of CONF:');
  log.debug('*'.repeat(80));
  log.debug('Configuration options gathered from:');
  log.debug(`command line args: ${JSON.stringify(config.maskArguments(settings(config)))}`);
  log.debug(`config files: ${JSON.stringify(config.configFiles)}`);
  log.debug('='.repeat(80));
  for (const resolved of byGroup(config.resolveAll())) {
    const { group, opt, option, value, location } = resolved;
    const name = group === 'DEFAULT' ? opt : `${group}.${opt}`;
    log.debug({ from: location.detail }, `${name.padEnd(30)} = ${maskValue(opt, option, value)}`);
  }
  log.debug('*'.repeat(80));
}

/** Sorts options: `DEFAULT` first, then groups by name; within a group by name. */
export function byGroup<T extends Pick<Resolved, 'group' | 'opt'>>(options: readonly T[]): T[] {
  const key = ({ group, opt }: T) => `${group === 'DEFAULT' ? '' : group}\u0000${opt}`;
  return options.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** Returns the options as arguments, one `--set` for each. */
function settings(config: Config): string[] {
  return config.arguments.map(({ group, opt, value }) => `--set=${group}.${opt}=${value}`);
}
