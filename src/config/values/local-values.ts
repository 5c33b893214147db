/**
 * Values of a paste section: they go through the same declarations as those of the service configuration.
 */

import { type Diagnostic, type Place, placeInFile } from '../../errors/index.js';
import { InvalidValue, type Option, type OptionDeclarations, type WrittenValue } from '../types/option.js';
import { suggestion } from './issue.js';
import { maskLocation, maskText } from './mask.js';

/** What somebody wrote for an option of a group, under its name or another that is as good. */
export interface LocalOption {
  readonly group: string;
  readonly opt: string;
  readonly option: Option;
  readonly written: WrittenValue;
}

/** Finds what a section says about an option: its own name, then names without group that mean the same. */
export function writtenLocally(
  local: ReadonlyMap<string, WrittenValue>,
  opt: string,
  option: Option,
): WrittenValue | undefined {
  return namesOf(opt, option).flatMap((name) => local.get(name) ?? [])[0];
}

/** Parses it; a refused value is an issue at its place, and undefined. Lines are the items of a repeatable option. */
export function localValue({ group, opt, option, written }: LocalOption, issues: Diagnostic[]): unknown {
  try {
    if (!option.repeatable) return option.parse(written.value);
    const items = written.value.split('\n').map((line) => line.trim());
    return option.parseAll(items.filter((item) => item !== ''));
  } catch (error) {
    issues.push({
      severity: 'error',
      code: 'PORTICO_CONFIG_VALUE',
      section: written.origin?.section ?? group,
      option: written.origin?.option ?? opt,
      place: placeOf(opt, option, written),
      message: (error as Error).message,
      got: maskText(opt, option, written.value),
      hint: hintFor(error, option, written),
    });
    return undefined;
  }
}

/** An issue for each name of the section that nobody declared. */
export function unknownLocals(
  group: string,
  options: OptionDeclarations,
  local: ReadonlyMap<string, WrittenValue>,
): Diagnostic[] {
  const known = new Set(Object.entries(options).flatMap(([opt, option]) => namesOf(opt, option)));
  return [...local]
    .filter(([name]) => !known.has(name))
    .map(([name, written]) => ({
      severity: 'error',
      code: 'PORTICO_CONFIG_UNKNOWN_OPTION',
      section: written.origin?.section ?? group,
      option: name,
      place: placeOf(name, undefined, written),
      message: 'unknown option',
      hint: suggestion(name, known) ?? `its options are ${[...known].join(', ')}`,
    }));
}

function namesOf(opt: string, option: Option): string[] {
  return [opt, ...[...option.aliases, ...option.deprecated].filter((name) => !name.includes('.'))];
}

function placeOf(opt: string, option: Option | undefined, { origin }: WrittenValue): Place | undefined {
  return origin === undefined ? undefined : maskLocation(opt, option, placeInFile(origin));
}

function hintFor(error: unknown, option: Option, { value }: WrittenValue): string | undefined {
  if (option.plain && /\s[#;]/.test(value))
    return 'inline comments are not supported: put the comment on a line of its own';
  return error instanceof InvalidValue ? error.hint : undefined;
}
