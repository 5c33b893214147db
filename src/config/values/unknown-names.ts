/**
 * Refuses an unknown option, section or variable: a written name without an owner, with the nearest names that have one. Every such name is an
 * error, unless `other_names` gives it to another application, or its section begins with `x-`.
 */
import { type Diagnostic, inOrder, type Location, locationInFile, suggestion } from '../../errors/index.js';
import { announcedGroups } from '../../modules/index.js';
import type { Sources } from '../state.js';
import { maskLocation } from '../types/mask.js';
import { type Elsewhere, entryOf, type Option } from '../types/option.js';
import { string } from '../types/text-types.js';
import type { DeclaredGroups } from './declared-groups.js';
import type { Generation } from './generation.js';
import { NearestOwned } from './nearest-owned.js';
import {
  absentGroups,
  isShippedName,
  locationOfOtherNames,
  type Name,
  type NameTest,
  type Owned,
  oddPatterns,
  ofOtherPrograms,
  otherNames,
  ownersOf,
} from './owners.js';
import { EXPOSED, exposedIn, variableName } from './written.js';

/** Code of a warning about a name without an effect: of other applications, or an option of the last version. */
const UNUSED = 'PORTICO_CONFIG_UNUSED_OPTION';
const OPTION = 'PORTICO_CONFIG_UNKNOWN_OPTION';
const SECTION = 'PORTICO_CONFIG_UNKNOWN_SECTION';
const VARIABLE = 'PORTICO_CONFIG_UNKNOWN_VARIABLE';

/** Message of a warning about a name of another application. */
const WITHOUT_EFFECT = 'has no effect here';

/** Declaration for names that are known to have no effect: only the value of one that is named like a secret is masked. */
const KNOWN = string({ default: '' });

/** Reports whether a finding is about a name without an owner. */
export function isUnknownName({ code }: Pick<Diagnostic, 'code'>): boolean {
  return code === OPTION || code === SECTION || code === VARIABLE;
}

/** A name as an operator wrote it; without `opt` a section. */
interface Written {
  readonly group: string;
  readonly opt?: string;
  readonly location: Location;
  /** Its location if the name is known to have no effect: with its value, which no unknown location has. */
  readonly knownLocation?: Location;
  /** True for a name on the command line. */
  readonly isArgument?: boolean;
  /** The section in the letters of the file. */
  readonly shown?: string;
  /** Location of a value in a file that others than its owner may read: without the line, which may show a secret. */
  readonly exposedAt?: Location;
}

/**
 * The names to check. `all`: every name, once all code is loaded. `owned`: before that, the names in sections whose owner knows all of
 * them; sections that are shared, such as `[DEFAULT]` and those of APIs, are left out. Or those of one group.
 */
export type Scope = 'all' | 'owned' | { readonly group: string };

/** Returns a finding for each name without an owner. */
export function unknownNames(generation: Generation, scope: Scope): Diagnostic[] {
  const { groups, state } = generation;
  const sources = state.sources;
  const isAll = scope === 'all';
  const sections = typeof scope === 'object' ? groups.sectionsOf(scope.group) : undefined;
  const { all: written, of } = writtenNames(sources);
  const checkable = sections === undefined ? written : [...sections].flatMap((section) => of.get(section) ?? []);
  // Most groups that are read: sections of the paste file have their values.
  if (sections !== undefined && checkable.length === 0) return [];
  groups.instantiate(sources);
  const undeclared = checkable.filter(({ group, opt }) => {
    if (opt === undefined) return group !== 'DEFAULT' && !groups.hasSection(group);
    return groups.namesIn(group)?.has(opt) !== true;
  });
  const variables = isAll ? Object.keys(sources.environment).length + (sources.otherVariables?.length ?? 0) : 0;
  const hasPatterns = isAll && otherNames(generation).length > 0;
  const ofPatterns = (names: Owned): Diagnostic[] =>
    hasPatterns ? oddPatterns(generation, [...written, ...variableNames(sources)], names) : [];
  // Most configurations: the code that was read has declared each written name.
  if (undeclared.length + variables === 0) return ofPatterns(groups);
  const absent = absentGroups(generation);
  const names = ownersOf(groups, sources, absent);
  const isOthers = ofOtherPrograms(generation);
  const isChecked = ({ group }: Written): boolean => scope !== 'owned' || (!isShared(group) && names.hasSection(group));
  const checked = undeclared.filter((each) => isChecked(each) && !isOthers(each));
  // A name that has refused its group, or the first reading of the files, needs no second search.
  const unowned = new Set(checked.filter((each) => FOUND.has(each) || !owns(names, each)));
  const owned = checked.filter((each) => !unowned.has(each));
  return [
    ...(isAll && generation.says('check_file_modes') ? owned.flatMap((each) => exposedSecret(names, each)) : []),
    ...ofPatterns(names),
    ...(unowned.size + variables === 0
      ? []
      : explained(generation, names.all, { unowned, undeclared, variables, isOthers, absent })),
  ];
}

/** Names without an owner, and what their hints need. */
interface Unowned {
  readonly unowned: ReadonlySet<Written>;
  /** All names that no code which was read declares: the options of a section say which one was meant. */
  readonly undeclared: readonly Written[];
  /** Number of variables that may be options. */
  readonly variables: number;
  readonly isOthers: NameTest;
  /** Groups of shipped extensions that the list lacks. */
  readonly absent: ReadonlyMap<string, string>;
}

/** The findings about written names, from the first time that one was checked: with its group, or with all. */
const FOUND = new WeakMap<Written, Diagnostic>();

/** Returns the findings, with the nearest names: the only ones that need all names. */
function explained(
  generation: Generation,
  all: () => DeclaredGroups,
  { unowned, undeclared, variables, isOthers, absent }: Unowned,
): Diagnostic[] {
  const sources = generation.state.sources;
  let made: NearestOwned | undefined;
  const near = (): NearestOwned => (made ??= new NearestOwned(all()));
  const optionsOf = new Map<string, string[]>();
  for (const { group, opt } of undeclared) {
    const known = optionsOf.get(group) ?? [];
    if (opt !== undefined) known.push(opt);
    optionsOf.set(group, known);
  }
  /** Findings about names that are probably those of others, if the file has some: no name of the same section is near. */
  const shared = new Map<Diagnostic, string>();
  const found = [...unowned].map((each) => {
    const { group, opt } = each;
    const known = FOUND.get(each);
    const ofAbsent = opt === undefined ? sectionOfAbsent(each, absent) : optionOfAbsent(each, opt, absent);
    if (ofAbsent !== undefined) return ofAbsent;
    const one =
      known ??
      (opt === undefined ? unknownSection(each, near(), optionsOf.get(group)) : unknownOption(each, opt, near()));
    // Code that is loaded later may own a nearer name.
    if (one.others === undefined) FOUND.set(each, one);
    // Of a name that is known to have no effect, the warning says what has it.
    const isCommon = opt === undefined ? FOREIGN.has(group) : one.code !== UNUSED && !near().isMistyped(group, opt);
    if (isCommon && each.isArgument !== true && !group.startsWith('api:'))
      shared.set(one, opt === undefined ? group : `${group}.${opt}`);
    return one;
  });
  const known = otherNames(generation);
  const othersReplace = locationOfOtherNames(generation);
  // A section whose header is refused has no name that is certain.
  const refused = new Set(generation.state.issues.map(lineOf));
  const listed = [...found, ...(variables === 0 ? [] : unknownVariables(all(), sources, { isOthers, near: near() }))];
  // Only a file that has other names of an application is shared with it: alone, a name of another section is an error.
  const hasOthers = known.length > 0 || listed.some(({ others }) => others !== undefined);
  return listed.map((each) => {
    const name = hasOthers ? shared.get(each) : undefined;
    const others = each.others ?? (name === undefined ? undefined : [name]);
    if (others === undefined) return each;
    if (each.location?.origin !== undefined && refused.has(lineOf(each))) return { ...each, others: undefined };
    return { ...each, others: [...known, ...others], othersReplace };
  });
}

/** Values in forms that only services of OpenStack have, in options that Portico has too: the names of their drivers and libraries. */
const FORMS_OF_OTHERS: ReadonlyMap<string, RegExp> = new Map([
  ['DEFAULT.workers', /^[1-9]\d*$/],
  ['database.connection', /^(?:\w+\+\w+|mariadb|mssql|mysql|oracle):/i],
  ['servicegroup.driver', /^(?:db|mc|zk)$/],
]);

/**
 * Returns the findings, with refused values marked that belong to another application: its other names are in the same file, and the value
 * has a form that only it has. The proposed line for `other_names` then has the option, so that it is not read here. Any other refused
 * value may be an error of the operator.
 */
export function valuesOfOthers(found: readonly Diagnostic[], generation: Generation): readonly Diagnostic[] {
  const fileOf = ({ location }: Diagnostic): string | undefined => location?.origin?.file;
  const shared = new Set(found.filter(({ others }) => others !== undefined).map(fileOf));
  if (shared.size === 0) return found;
  const known = otherNames(generation);
  const othersReplace = locationOfOtherNames(generation);
  return found.map((each) => {
    const { severity, section = '', option = '', others } = each;
    const name = `${section}.${option}`;
    const form = FORMS_OF_OTHERS.get(name);
    if (form === undefined || severity !== 'error' || others !== undefined || !shared.has(fileOf(each))) return each;
    const wanted = generation.groups.find(section, option);
    const last = wanted && generation.resolve(wanted).written.at(-1);
    if (last === undefined || !form.test(last.text)) return each;
    return { ...each, others: [...known, name], othersReplace };
  });
}

function lineOf({ location }: Diagnostic): string {
  return `${location?.origin?.file}:${location?.origin?.line}`;
}

/** Reports whether code that the configuration names may have options in a section beside ours: of the application, or of an API. */
function isShared(group: string): boolean {
  return group === 'DEFAULT' || group.startsWith('api:');
}

/** The names in sources, also by section: a group that is read looks at its own. */
interface WrittenNames {
  readonly all: readonly Written[];
  readonly of: ReadonlyMap<string, readonly Written[]>;
}

const namesOf = new WeakMap<Sources, WrittenNames>();

function writtenNames(sources: Sources): WrittenNames {
  const known = namesOf.get(sources);
  if (known !== undefined) return known;
  const all = [...namesWritten(sources)];
  const of = new Map<string, Written[]>();
  for (const each of all)
    of.set(each.group, of.get(each.group) ?? [])
      .get(each.group)!
      .push(each);
  const names = { all, of };
  namesOf.set(sources, names);
  return names;
}

/** Yields each section once for each file, and each option. */
function* namesWritten({ files, arguments: said }: Sources): Generator<Written> {
  for (const file of files) {
    for (const [name, { origin }] of new Map(file.sections.toReversed().map((each) => [each.name, each])))
      yield { group: name, shown: origin.section ?? name, location: locationInFile(origin) };
    for (const { section: group, name: opt, origin } of file.entries) {
      let location: Location | undefined;
      const locationOf = (option?: Option): Location =>
        maskLocation(opt, option, locationInFile({ ...origin, column: 1 }));
      yield {
        group,
        opt,
        // Most names have an owner, and need no location. A name begins its line: an indented line continues a value.
        get location() {
          location ??= locationOf();
          return location;
        },
        get knownLocation() {
          return locationOf(KNOWN);
        },
        ...(file.exposed && { exposedAt: locationInFile({ ...origin, text: undefined }) }),
      };
    }
  }
  for (const { group, opt, index } of said)
    yield { group, opt, isArgument: true, location: { kind: 'command_line', detail: `argument ${index}` } };
}

function declares(names: Owned, { group, opt }: Pick<Written, 'group' | 'opt'>): boolean {
  return opt === undefined ? group === 'DEFAULT' || names.hasSection(group) : names.find(group, opt) !== undefined;
}

/** Reports whether somebody owns a name. An option of a file without an owner is reported by its section. */
function owns(names: Owned, written: Written): boolean {
  const { group, opt, isArgument = false } = written;
  if (declares(names, written)) return true;
  return opt !== undefined && !isArgument && !declares(names, { group });
}

/** Returns the finding for a section of a shipped extension that the list lacks. */
function sectionOfAbsent({ group, shown, location }: Written, absent: Unowned['absent']): Diagnostic | undefined {
  const subject = { section: shown, location };
  const left = absent.get(group);
  if (left !== undefined) return ofKnownOwner(unknown(SECTION, subject, ofLeftOut(left, 'section'), putBack(left)));
  const name = announcedGroups.get(group);
  if (name === undefined) return undefined;
  const message = `this section belongs to ${name}, which [DEFAULT] extensions does not have`;
  return ofKnownOwner(unknown(SECTION, subject, message, `add ${name} to [DEFAULT] extensions`));
}

/** No code that is still to load declares such a name. */
const ofKnownOwner = (found: Diagnostic): Diagnostic => ({ ...found, uncertain: false });
const ofLeftOut = (name: string, what: string): string =>
  `this ${what} belongs to ${name}, which [DEFAULT] extensions leaves out`;
const putBack = (name: string): string => `remove -${name} from [DEFAULT] extensions`;

/** The same for an option there, if the section is known for another reason: other owners have names in it. */
function optionOfAbsent({ group, location }: Written, opt: string, absent: Unowned['absent']): Diagnostic | undefined {
  const name = absent.get(group);
  if (name === undefined || !isShippedName(name, group, opt)) return undefined;
  const subject = { section: group, option: opt, location };
  return ofKnownOwner(unknown(OPTION, subject, ofLeftOut(name, 'option'), putBack(name)));
}

/** `options`: those that are written in the section. */
function unknownSection(
  { group, shown, location }: Written,
  near: NearestOwned,
  options: readonly string[] = [],
): Diagnostic {
  const subject = { section: shown, location };
  const foreign = FOREIGN.get(group);
  if (foreign !== undefined)
    return { ...unknown(SECTION, subject, 'unknown section', foreign), severity: 'warning', uncertain: false };
  const hint = near.section(group, options);
  return { ...unknown(SECTION, subject, 'unknown section', hint), ...(hint === undefined && ofOthers(group)) };
}

function unknownOption(written: Written, opt: string, near: NearestOwned): Diagnostic {
  const { group } = written;
  const elsewhere = near.names.elsewhereOf(group, opt);
  const location = (declarationOfUnused(elsewhere, opt) && written.knownLocation) ?? written.location;
  const subject = { section: group, option: opt, location };
  if (group === 'DEFAULT' && /^config_(?:file|dir)$/.test(opt))
    return unknown(OPTION, subject, `can only be given on the command line, as --${opt.replaceAll('_', '-')}`);
  const found = undeclared(subject, elsewhere, () => near.option(group, opt));
  // No other application has options in the section of an API.
  const mayBeOthers = found.hint === undefined && !group.startsWith('api:');
  return mayBeOthers ? { ...found, ...ofOthers(`${group}.${opt}`) } : found;
}

/** Returns a declaration for a name that is known to have no effect, so that its value can be shown; undefined for others. */
export function declarationOfUnused(elsewhere: Elsewhere | undefined, opt: string): Option | undefined {
  return (entryOf(elsewhere?.removed, opt) ?? entryOf(elsewhere?.unused, opt)) === undefined ? undefined : KNOWN;
}

/** Returns the finding about an option that its section does not have. `near`: returns the hint for one that nothing is known of. */
export function undeclared(
  subject: Pick<Diagnostic, 'section' | 'location'> & { readonly option: string },
  elsewhere: Elsewhere | undefined,
  near: () => string | undefined,
): Diagnostic {
  const [unused, removed, meant] = [elsewhere?.unused, elsewhere?.removed, elsewhere?.meant].map((names) =>
    entryOf(names, subject.option),
  );
  if (removed !== undefined)
    return { ...unknown(UNUSED, subject, 'has no effect any more', `Remove it: ${removed}`), severity: 'warning' };
  if (unused !== undefined) return { ...unknown(UNUSED, subject, WITHOUT_EFFECT, unused), severity: 'warning' };
  return unknown(OPTION, subject, 'unknown option', meant ?? near());
}

/** Returns the line for a name of another application; the report of all names ends with one line for all. */
function ofOthers(name: string): Required<Pick<Diagnostic, 'hint' | 'others'>> {
  return { hint: `if it belongs to another application, add ${name} to [DEFAULT] other_names`, others: [name] };
}

/** Returns a warning for a secret in a file that others may read, of an option that nothing here reads. */
function exposedSecret(names: Owned, { group, opt = '', exposedAt: location }: Written): Diagnostic[] {
  if (location === undefined || names.find(group, opt)?.option.secret !== true) return [];
  const { message, hint } = exposedIn(location.origin?.file);
  return [{ ...unknown(EXPOSED, { section: group, option: opt, location }, message, hint), severity: 'warning' }];
}

/** Returns the names in the environment, in its capital letters. */
function variableNames({ envPrefix, environment }: Sources): Name[] {
  return Object.keys(environment).flatMap((each) =>
    each.startsWith(`${envPrefix}_`) ? [nameIn(each, envPrefix)] : [],
  );
}

/** Returns the variable of a section of a kind as its template has it: `PORTICO_API_<NAME>__PORT` for `PORTICO_API_SHOP__PORT`. */
function templateVariable(variable: string, envPrefix: string): string {
  const [kind, ...rest] = variable.slice(envPrefix.length + 1).split('_');
  return `${envPrefix}_${kind}_<NAME>__${rest.join('_').split('__').slice(1).join('__')}`;
}

function nameIn(variable: string, envPrefix: string): Name {
  const [group, opt] = variable.slice(envPrefix.length + 1).split('__');
  return { group: group!, opt };
}

function unknownVariables(
  names: DeclaredGroups,
  { envPrefix, environment, otherVariables = [] }: Sources,
  { isOthers, near }: { readonly isOthers: NameTest; readonly near: NearestOwned },
): Diagnostic[] {
  const known = new Set<string>();
  for (const { option, spellings } of names.all()) {
    for (const { group, opt } of spellings) {
      const name = variableName(envPrefix, group, opt);
      known.add(name);
      if (option.secret) known.add(`${name}_FILE`);
    }
  }
  const locationOf = (detail: string): Diagnostic['location'] => ({ kind: 'environment', detail });
  const found = (name: string, message: string, hint?: string): Diagnostic =>
    unknown(VARIABLE, { location: locationOf(name) }, message, hint);
  const unused = new Map(names.unused().map((each) => [variableName(envPrefix, each.group, each.opt), each]));
  const written = Object.keys(environment).flatMap((name) => {
    if (!name.startsWith(`${envPrefix}_`) || known.has(name)) return [];
    const { group, opt } = nameIn(name, envPrefix);
    if (isOthers({ group, opt })) return [];
    const effect = unused.get(name) ?? unused.get(templateVariable(name, envPrefix));
    if (effect !== undefined) {
      const subject = { section: effect.group, option: effect.opt, location: locationOf(name) };
      return [undeclared(subject, effect.elsewhere, () => undefined)];
    }
    if (known.has(name.replace(/_FILE$/, ''))) return [found(name, 'only secret options are read from files')];
    // An API's variable without the word `API`.
    const longer = name.replace(`${envPrefix}_`, `${envPrefix}_API_`);
    const hint = known.has(longer) ? `did you mean '${longer}'?` : suggestion(name, known);
    const message = 'this variable matches no option';
    if (hint !== undefined) return [found(name, message, hint)];
    const section = group === 'DEFAULT' ? group : group.toLowerCase();
    const isWhole = opt === undefined || (section !== 'DEFAULT' && !names.hasSection(section));
    const elsewhere = isWhole ? undefined : near.elsewhere(opt.toLowerCase());
    if (elsewhere !== undefined) return [found(name, message, elsewhere)];
    return [{ ...found(name, message), ...ofOthers(isWhole ? section : `${section}.${opt.toLowerCase()}`) }];
  });
  const prefixes = ['DEFAULT', ...names.groupNames()].map((group) => variableName(envPrefix, group, '').slice(0, -1));
  const short = otherVariables.flatMap((name) => {
    const ofDefault = name.replace(`${envPrefix}_`, `${envPrefix}_DEFAULT__`);
    if (known.has(ofDefault)) return [found(name, 'no group is named', `did you mean '${ofDefault}'?`)];
    if (!prefixes.some((prefix) => name.startsWith(prefix))) return [];
    const exact = [...known].find((each) => each.replace('__', '_') === name);
    const hint = exact === undefined ? suggestion(name, known) : `did you mean '${exact}'?`;
    return hint === undefined ? [] : [found(name, 'group and option are separated by two underscores', hint)];
  });
  // The first underscore of a pair may be missing in any variable of another application.
  return [...written, ...short.map((each): Diagnostic => ({ ...each, severity: 'warning' }))];
}

function unknown(
  code: string,
  subject: Pick<Diagnostic, 'section' | 'option' | 'location'>,
  message: string,
  hint?: string,
): Diagnostic {
  const { section = 'DEFAULT', option } = subject;
  const uncertain = isUnknownName({ code }) && (option === undefined || isShared(section));
  return { severity: 'error', code, ...subject, message, hint, ...(uncertain && { uncertain }) };
}

/** Sections of OpenStack's services that nothing here reads, each with a hint. */
const FOREIGN: ReadonlyMap<string, string> = new Map([
  [
    'oslo_middleware',
    'write its options in the sections of the filters: max_request_body_size in [sizelimit], trusted_proxies in [proxy_headers] in place of enable_proxy_headers_parsing, user_file in [basic_auth]',
  ],
  ['paste_deploy', 'write config_file as [DEFAULT] api_paste_config, and name the pipeline of the flavor as its API'],
]);

/**
 * Returns all errors of a generation in the order of the files: in its sources, in its values, and names without an owner. `names`: those
 * that are checked.
 */
export function problemsOf(generation: Generation, names: Scope): Diagnostic[] {
  const { state, groups } = generation;
  // Sections of the paste file may have the values of filters too: they are checked where a pipeline uses them.
  const isWanted = ({ severity }: Diagnostic, group: string): boolean =>
    severity === 'warning' || !groups.sectional.has(group);
  const values = generation.noted().map((wanted) => generation.resolve(wanted));
  return inOrder(
    [
      ...state.issues,
      ...values.flatMap(({ group, issues }) => issues.filter((issue) => isWanted(issue, group))),
      ...unknownNames(generation, names),
    ],
    [...state.sources.files.map(({ name }) => name), undefined],
  );
}
