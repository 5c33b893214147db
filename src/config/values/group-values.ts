/**
 * A group's values: found, judged, and put into the object they are handed out in.
 */
import { inspect } from 'node:util';
import { type Diagnostic, type Origin, type Place, placeInFile } from '../../errors/index.js';
import { masked } from '../../text/index.js';
import type { Generation } from '../generations/generation.js';
import { camelCase, InvalidValue, type Option, type OptionDeclarations, type WrittenValue } from '../types/option.js';
import { suggestion } from './issue.js';
import { maskLocation, maskText, maskValue } from './mask.js';
import type { Resolved } from './resolver.js';

/** How a group is asked for. */
export interface GroupOptions {
  /** Values written nearer to the user of the group than the group itself (a paste section): they win. */
  readonly local?: ReadonlyMap<string, WrittenValue>;
  /** Where those stand: what is required and nowhere is missed there. */
  readonly origin?: Origin;
  /** Others declare more options of this group: names not declared here are not judged now. Default false. */
  readonly partial?: boolean;
}

/** How thoroughly names are judged. */
export interface ValidateOptions {
  /**
   * Every group that will ever be asked for is declared by now, so that an undeclared name is a mistake also in
   * `[DEFAULT]`, as a section or as a variable. Default true. False in a parent whose workers load the application:
   * there a name counts as wrong where it comes near a known one.
   */
  readonly complete?: boolean;
}

/** What a group came to. `values` is of use only when no issue is an error. */
export interface GroupRead {
  readonly values: object;
  readonly issues: readonly Diagnostic[];
}

/** Reads a group, `local` values before those of the generation. Throws nothing. */
export function readGroup(
  generation: Generation,
  group: string,
  options: OptionDeclarations,
  from: GroupOptions,
): GroupRead {
  const { local = new Map<string, WrittenValue>(), partial = false } = from;
  const issues: Diagnostic[] = unknownLocals(group, options, local);
  const values = new Map<string, unknown>();
  for (const [opt, option] of Object.entries(options)) {
    const written = writtenLocally(local, opt, option);
    const resolved = written === undefined ? generation.resolver.resolve(group, opt, option) : undefined;
    if (resolved !== undefined) issues.push(...resolved.issues.map((issue) => missedAt(issue, from.origin)));
    values.set(opt, written === undefined ? resolved?.value : localValue({ group, opt, option, written }, issues));
  }
  // `[DEFAULT]` is shared by many: its names are judged together, when all of them are known.
  if (!partial && group !== 'DEFAULT') issues.push(...generation.unknown({ complete: false, only: group }));
  return { values: handedOut(options, values), issues };
}

function missedAt(issue: Diagnostic, origin: Origin | undefined): Diagnostic {
  if (issue.code !== 'PORTICO_CONFIG_REQUIRED' || issue.place !== undefined || origin === undefined) return issue;
  return { ...issue, place: placeInFile(origin), hint: `write it there, or ${issue.hint ?? ''}` };
}

/** Values by group and name as they may be printed. */
export function printable(options: readonly Resolved[]): Record<string, Record<string, string>> {
  const shown: Record<string, Record<string, string>> = {};
  for (const { group, opt, option, value } of options) {
    shown[group] = { ...shown[group], [opt]: maskValue(opt, option, value) };
  }
  return shown;
}

/**
 * Values under their camel-case names, frozen. Printed or turned into JSON, an object that holds a secret or a password
 * shows `****` in its place.
 */
function handedOut(options: OptionDeclarations, values: ReadonlyMap<string, unknown>): object {
  const object = Object.fromEntries([...values].map(([opt, value]) => [camelCase(opt), value]));
  const hidden = Object.entries(options).filter(([opt, option]) => {
    const value = values.get(opt);
    return value !== undefined && maskValue(opt, option, value) !== option.format(value);
  });
  if (hidden.length === 0) return Object.freeze(object);
  const shown = () => ({
    ...object,
    ...Object.fromEntries(
      hidden.map(([opt, option]) => [camelCase(opt), option.secret ? masked : maskValue(opt, option, values.get(opt))]),
    ),
  });
  return Object.freeze(
    Object.defineProperties(object, { toJSON: { value: shown }, [inspect.custom]: { value: shown } }),
  );
}

/** What is written for an option of a group, under its name or another that means the same. */
interface LocalOption {
  readonly group: string;
  readonly opt: string;
  readonly option: Option;
  readonly written: WrittenValue;
}

/** Finds what a section says about an option: its own name, then names without group that mean the same. */
function writtenLocally(
  local: ReadonlyMap<string, WrittenValue>,
  opt: string,
  option: Option,
): WrittenValue | undefined {
  return namesOf(opt, option).flatMap((name) => local.get(name) ?? [])[0];
}

/** Parses it; a refused value is an issue at its place, and undefined. Lines are the items of a repeatable option. */
function localValue({ group, opt, option, written }: LocalOption, issues: Diagnostic[]): unknown {
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

/** An issue for each undeclared name of the section. */
function unknownLocals(
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
