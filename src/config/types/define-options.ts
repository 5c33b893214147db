/**
 * Declares the options of a group, and compares declarations.
 */
import { isDeepStrictEqual } from 'node:util';
import { PorticoError, refuseUnknownOptions, whatItIs, withCode, withFrames } from '../../errors/index.js';
import { type Elsewhere, knownNames, type Option, type OptionDeclarations, writtenElsewhere } from './option.js';

/** Key of a declaration's place, stored beside the options so that an error can name both of two conflicting ones. */
const declaredAt = Symbol('declaredAt');

/**
 * Declares the options of a group, beside the code that reads them, and returns them frozen.
 * An option `<name>` stands for every name in its group.
 * Throws a `TypeError` for another name that is not lower snake case and for an option without `help`, and
 * `PORTICO_OPTION_DECLARATION` for an invalid declaration. It lists all errors of the group.
 */
export function defineOptions<const D extends OptionDeclarations>(options: D): D;
/**
 * The same for options of this group: a process that imports the module knows their names before anything reads them. `elsewhere`: how other
 * applications write them.
 */
export function defineOptions<const D extends OptionDeclarations>(group: string, options: D, elsewhere?: Elsewhere): D;
export function defineOptions<const D extends OptionDeclarations>(
  first: string | D,
  second?: D,
  elsewhere?: Elsewhere,
): D {
  const options = typeof first === 'string' ? second! : first;
  checkDefinitions(options, typeof first === 'string' ? first : undefined);
  const place = callerOf(defineOptions);
  const defined = Object.freeze(Object.defineProperty({ ...options }, declaredAt, { value: place }));
  if (elsewhere !== undefined) writtenElsewhere(defined, elsewhere);
  return typeof first === 'string' ? owns(first, defined) : defined;
}

/** Throws as {@link defineOptions} for invalid declarations. */
export function checkDefinitions(options: OptionDeclarations, group?: string): void {
  checkDeclarations(options, group);
  for (const [name, option] of Object.entries(options)) {
    const isNamed = name === '<name>' || /^[a-z][a-z0-9_]*$/.test(name);
    if (isNamed && option.help.trim() !== '') continue;
    const reason = isNamed ? 'needs a help text' : 'a name is lower snake case and begins with a letter';
    throw withCode(new TypeError(`option ${name}: ${reason}`), DECLARATION);
  }
}

/** A group of options that a loaded module declares. `sectional`: sections of the paste file may have the values too. */
export interface OwnedGroup {
  readonly group: string;
  readonly options: OptionDeclarations;
  readonly sectional?: boolean;
}

/** Groups of all modules that this process has loaded, in the order of their imports. */
const loaded = new Map<OptionDeclarations, OwnedGroup[]>();

/** Records that these options belong to a group; returns them. */
export function owns<D extends OptionDeclarations>(group: string, options: D, sectional = false): D {
  const known = loaded.get(options) ?? [];
  if (known.every((each) => each.group !== group)) loaded.set(options, [...known, { group, options, sectional }]);
  return options;
}

/** Returns a function that forgets all groups which were recorded since: tests load several applications in one process. */
export function rememberLoaded(): () => void {
  const before = new Map(loaded);
  return () => {
    loaded.clear();
    for (const [options, groups] of before) loaded.set(options, groups);
  };
}

/** Returns the groups that the loaded modules declare. */
export function loadedGroups(): readonly OwnedGroup[] {
  return [...loaded.values()].flat();
}

/** Reports whether sections of the paste file may have the options of a group too: those of filters and apps. */
export function isSectional(group: string): boolean {
  return loadedGroups().some((each) => each.sectional === true && each.group === group);
}

/** Throws `PORTICO_OPTION_DECLARATION` with all members that are no valid declaration of an option. */
export function checkDeclarations(options: Readonly<Record<string, unknown>>, group?: string): void {
  const issues: PorticoError[] = [];
  for (const [name, option] of Object.entries(options)) {
    try {
      checkDeclaration(optionIn(group, name), option as Partial<Option> | null | undefined);
    } catch (error) {
      issues.push(error as PorticoError);
    }
  }
  const [first] = issues;
  if (first === undefined) return;
  if (issues.length === 1) throw first;
  const message = issues.map((issue) => issue.describe()).join('\n');
  throw new PorticoError(DECLARATION, { message });
}

const DECLARATION = 'PORTICO_OPTION_DECLARATION';

function checkDeclaration(what: string, option: Partial<Option> | null | undefined): void {
  if (typeof option?.type !== 'string' || typeof option.parse !== 'function') {
    throw new PorticoError(DECLARATION, {
      message: `${what} is ${whatItIs(option)}, not the declaration of an option`,
      hint: "Call the function of a type: integer({ default: 5, help: '…' }).",
    });
  }
  const known = knownNames(option as Option);
  if (known !== undefined) refuseUnknownOptions(DECLARATION, `${what} (${option.type})`, option.spec ?? {}, known);
  checkDefault(what, option as Option);
  const { item, value } = option.spec as { item?: Option; value?: Option };
  for (const inner of [item, value]) if (inner !== undefined) checkDeclaration(`what ${what} consists of`, inner);
}

/** Names an option, for errors. */
export function optionIn(group: string | undefined, name: string): string {
  return group === undefined ? `option ${name}` : `[${group}] option ${name}`;
}

/** Throws if the default of an option is invalid: not all come from {@link defineOptions}. One that a function returns is checked when it is read. */
export function checkDefault(what: string, option: Option): void {
  if (typeof option.spec?.default === 'function') return;
  try {
    void option.default;
  } catch (cause) {
    throw new PorticoError(DECLARATION, { message: `${what}: ${(cause as Error).message}`, cause });
  }
}

/** Returns the line of code of a declaration. */
export function locationOfDeclaration(options: OptionDeclarations): string {
  return (options as { [declaredAt]?: string })[declaredAt] ?? 'an unknown line';
}

/** Reports whether two declarations of one option are equal. */
export function sameDeclaration(a: Option, b: Option): boolean {
  if (a === b) return true;
  if (a.type !== b.type) return false;
  return isDeepStrictEqual(comparable(a), comparable(b));
}

/** Returns the written declaration, including values equal to defaults. */
function comparable(option: Option): unknown {
  const { default: _, item, value, ...spec } = option.spec;
  const inner = (item ?? value) as Option | undefined;
  const said = Object.entries(spec).filter(([, each]) => each !== undefined && each !== false && !isEmpty(each));
  const preset = option.referringDefault ?? option.default;
  return [Object.fromEntries(said), preset, inner === undefined ? undefined : [inner.type, comparable(inner)]];
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** Computed at once: a stored Error would keep all objects alive that its frames refer to. */
function callerOf(callee: (...args: never[]) => unknown): string {
  const holder: { stack?: string } = {};
  withFrames(1, () => Error.captureStackTrace(holder, callee));
  return /(?:at |\()((?:file:|\/|[a-z]:).*?)\)?$/im.exec(holder.stack ?? '')?.[1] ?? 'an unknown line';
}
