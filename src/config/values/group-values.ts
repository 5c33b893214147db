/**
 * Values of a group: resolved, checked, and returned as an object.
 */
import { inspect } from 'node:util';
import {
  type Diagnostic,
  eachOnce,
  type Location,
  locationInFile,
  type Origin,
  suggestion,
} from '../../errors/index.js';
import { originOfName } from '../../ini/index.js';
import { maskLocation, maskText, maskValue } from '../types/mask.js';
import { camelCase, elsewhereOf, type Option, type OptionDeclarations, type WrittenValue } from '../types/option.js';
import type { Generation } from './generation.js';
import { hintFor } from './option-issues.js';
import { declarationOfUnused, undeclared, unknownNames } from './unknown-names.js';
import type { Resolved } from './written.js';

/** Options of reading a group. */
export interface GroupOptions {
  /** Values with precedence over the group, from a section of a paste file. */
  readonly local?: ReadonlyMap<string, WrittenValue>;
  /** Place of the group: a missing required option is reported there. */
  readonly origin?: Origin;
  /** Others declare more options of this group: names that are not declared here are not checked now. Default false. */
  readonly partial?: boolean;
}

/** Options of a check. */
export interface ValidateOptions {
  /** False in a process that has not loaded all code: then only names of sections that have an owner are checked. Default true. */
  readonly complete?: boolean;
}

/** Reads a group, with `local` values before those of the generation. `values` is valid only if no issue is an error. */
export function readGroup(
  generation: Generation,
  group: string,
  options: OptionDeclarations,
  from: GroupOptions,
): { readonly values: object; readonly issues: readonly Diagnostic[] } {
  const { local = new Map<string, WrittenValue>(), partial = false } = from;
  const issues: Diagnostic[] = unknownLocals(group, options, local);
  const values = new Map<string, unknown>();
  for (const [opt, option] of Object.entries(options)) {
    const written = local.size === 0 ? undefined : namesOf(opt, option).flatMap((name) => local.get(name) ?? [])[0];
    // `<name>` stands for all names, and is not a name itself.
    const wanted = generation.groups.option(group, opt) ?? { group, opt, option, spellings: [] };
    if (written === undefined) {
      const resolved = generation.resolve(wanted);
      for (const issue of resolved.issues) issues.push(missedAt(issue, from.origin));
      values.set(opt, resolved.value);
    } else {
      try {
        // An empty number or path means the default.
        values.set(opt, parseLocal(option, written.value) ?? generation.parsed(wanted));
      } catch (error) {
        issues.push(refusedLocal({ group, opt, option, written }, error));
      }
    }
  }
  // `[DEFAULT]` is shared by many: its names are checked together, when all of them are known.
  if (!partial && group !== 'DEFAULT') issues.push(...unknownNames(generation, { group }));
  // Options that refer to one with a wrong reference have its error.
  return { values: handedOut(options, values), issues: eachOnce(issues) };
}

function missedAt(issue: Diagnostic, origin: Origin | undefined): Diagnostic {
  if (issue.code !== 'PORTICO_CONFIG_REQUIRED' || issue.location !== undefined || origin === undefined) return issue;
  return { ...issue, location: locationInFile(origin), hint: `write it there, or ${issue.hint ?? ''}` };
}

/** Returns printable values by group and name. */
export function printable(options: readonly Resolved[]): Record<string, Record<string, string>> {
  const shown: Record<string, Record<string, string>> = {};
  for (const { group, opt, option, value } of options) {
    shown[group] = { ...shown[group], [opt]: maskValue(opt, option, value) };
  }
  return shown;
}

/**
 * Returns values under their camel-case names, frozen. Printed or converted to JSON, the object shows `****` in place of secrets and
 * passwords.
 */
function handedOut(options: OptionDeclarations, values: ReadonlyMap<string, unknown>): object {
  const object: Record<string, unknown> = {};
  for (const [opt, value] of values) object[camelCase(opt)] = value;
  const shown = (): object => {
    const masks = Object.entries(options).flatMap(([opt, option]): [string, string][] => {
      const value = values.get(opt);
      const masked = maskValue(opt, option, value);
      return value === undefined || masked === option.format(value) ? [] : [[camelCase(opt), masked]];
    });
    return { ...object, ...Object.fromEntries(masks) };
  };
  return Object.freeze(
    Object.defineProperties(object, { toJSON: { value: shown }, [inspect.custom]: { value: shown } }),
  );
}

/** Lines are the items of a repeatable option. */
function parseLocal(option: Option, text: string): unknown {
  if (!option.repeatable) return option.parse(text);
  const items = text.split('\n').map((line) => line.trim());
  return option.parseAll(items.filter((item) => item !== ''));
}

function refusedLocal(
  { group, opt, option, written }: { group: string; opt: string; option: Option; written: WrittenValue },
  error: unknown,
): Diagnostic {
  return {
    severity: 'error',
    code: 'PORTICO_CONFIG_VALUE',
    section: written.origin?.section ?? group,
    option: written.origin?.option ?? opt,
    location: placeOf(opt, option, written),
    message: (error as Error).message,
    got: maskText(opt, option, written.value),
    hint: hintFor(error, option, written.value),
  };
}

/** Options by which a section of a paste file names the oslo.config configuration of its filter: it gets that of the service. */
const OF_OSLO: ReadonlySet<string> = new Set(['oslo_config_project', 'oslo_config_program']);

/** Returns an issue for each undeclared name of the section: an error, or a warning about a name of another application. */
export function unknownLocals(
  group: string,
  options: OptionDeclarations,
  local: ReadonlyMap<string, WrittenValue>,
): Diagnostic[] {
  const others = [...local].filter(([name]) => !Object.hasOwn(options, name) && !OF_OSLO.has(name));
  // Most sections, of which a paste file may have thousands.
  if (others.length === 0) return [];
  const known = new Set(Object.entries(options).flatMap(([opt, option]) => namesOf(opt, option)));
  const elsewhere = elsewhereOf(options);
  return others
    .filter(([name]) => !known.has(name))
    .map(([name, written]) => {
      const at = {
        section: written.origin?.section ?? group,
        option: name,
        location: placeOf(name, declarationOfUnused(elsewhere, name), {
          ...written,
          origin: written.origin && originOfName(written.origin),
        }),
      };
      const near = (): string => suggestion(name, known) ?? `its options are ${[...known].join(', ')}`;
      return undeclared(at, elsewhere, near);
    });
}

function namesOf(opt: string, option: Option): string[] {
  return [opt, ...[...option.aliases, ...option.deprecated].filter((name) => !name.includes('.'))];
}

function placeOf(opt: string, option: Option | undefined, { origin }: WrittenValue): Location | undefined {
  return origin === undefined ? undefined : maskLocation(opt, option, locationInFile(origin));
}
