/**
 * All mistakes of a generation: in its sources and its values, and unknown options and sections in files, in the environment and on the
 * command line, which `strict_config` refuses.
 */
import { type Diagnostic, inOrder, nearestNames, type Place, placeInFile } from '../../errors/index.js';
import type { Sources } from '../state.js';
import { maskLocation } from '../types/mask.js';
import type { DeclaredGroups } from './declared-groups.js';
import type { Generation } from './generation.js';
import { suggestion } from './mistakes.js';
import { variableName } from './written.js';

/** Code of a warning about a name of other programs. */
export const UNUSED = 'PORTICO_CONFIG_UNUSED_OPTION';
const OPTION = 'PORTICO_CONFIG_UNKNOWN_OPTION';
/** Code of an undeclared section. */
export const UNKNOWN_SECTION = 'PORTICO_CONFIG_UNKNOWN_SECTION';
const VARIABLE = 'PORTICO_CONFIG_UNKNOWN_VARIABLE';

/** Reports whether a finding is about an undeclared name. */
export function isUnknownName({ code }: Diagnostic): boolean {
  return code === OPTION || code === UNKNOWN_SECTION || code === VARIABLE;
}

/** Reports whether it is about an undeclared section. */
export function isUnknownSection({ code }: Diagnostic): boolean {
  return code === UNKNOWN_SECTION;
}

/** Reports whether it is about a section, far from every known one, that code which is not loaded may know. */
export function mayBeKnownLater(found: Diagnostic): boolean {
  return isUnknownSection(found) && found.option === undefined && found.hint === undefined;
}

/** Message of a warning about a name of other programs. */
export const WITHOUT_EFFECT = 'has no effect here';

/** Scope of a check. */
export interface Scope {
  /**
   * True: every group that will be read is declared. Otherwise an unknown name may still be declared: then names of `[DEFAULT]` that are
   * similar to no known one are warnings, and such sections, variables and settings are ignored.
   */
  readonly complete: boolean;
  /** Sections, in small letters, that no other code will declare even if the check is not complete. */
  readonly closed?: ReadonlySet<string> | undefined;
  /** Only this group. */
  readonly only?: string;
}

/** Returns mistakes in files, values and names, in the order of the files. */
export function problemsOf(generation: Generation, scope: Scope): Diagnostic[] {
  const { state, groups } = generation;
  const isWanted = ({ code }: Diagnostic, group: string): boolean =>
    code !== 'PORTICO_CONFIG_REQUIRED' || !groups.sectional.has(group);
  const values = generation.noted().map((wanted) => generation.resolve(wanted));
  return inOrder(
    [
      ...state.issues,
      ...values.flatMap(({ group, issues }) => issues.filter((issue) => isWanted(issue, group))),
      ...unknownNames(generation, scope),
    ],
    [...state.mutable.files.map(({ name }) => name), undefined],
  );
}

/** Returns all unknown names, each with the nearest known one. Sections whose name begins with `x-` are never reported. */
export function unknownNames(generation: Generation, scope: Scope): Diagnostic[] {
  const { groups, state } = generation;
  groups.instantiate(state.mutable);
  const judged = { groups, sources: state.mutable, strict: generation.says('strict_config'), ...scope };
  if (scope.only !== undefined) return inFiles(judged);
  return [...inFiles(judged), ...inArguments(judged), ...inEnvironment(judged)];
}

interface Judged extends Scope {
  readonly groups: DeclaredGroups;
  readonly sources: Sources;
  /** True: unknown sections and variables are errors too. */
  readonly strict: boolean;
}

function inFiles(judged: Judged): Diagnostic[] {
  const { groups, sources, only } = judged;
  const issues: Diagnostic[] = [];
  for (const file of sources.files) {
    const reported = new Set<string>();
    for (const { name, origin } of file.sections) {
      if (only !== undefined || reported.has(name) || isKnownSection(groups, name)) continue;
      reported.add(name);
      issues.push(...unknownSection(judged, origin.section ?? name, placeInFile(origin, file.kind)));
    }
    for (const { section, name, origin } of file.entries) {
      if (only !== undefined && only !== section && only !== groups.groupOf(section)) continue;
      // A name always begins its line: an indented line continues a value.
      const place = maskLocation(name, undefined, placeInFile({ ...origin, column: 1 }, file.kind));
      if (section === 'DEFAULT' && /^config_(?:file|dir)$/.test(name)) {
        const message = `can only be given on the command line, as --${name.replaceAll('_', '-')}`;
        issues.push(unknown(OPTION, 'error', { section, option: name, place }, message));
      } else if (groups.find(section, name) === undefined && isJudged(groups, section)) {
        issues.push(...unknownOption(judged, section, name, place));
      }
    }
  }
  return issues;
}

/** No other check reports an argument without effect, so it is refused, whereas a file's section is ignored. */
function inArguments(judged: Judged): Diagnostic[] {
  const { groups, complete } = judged;
  return judged.sources.arguments.flatMap(({ group, opt, index }) => {
    if (groups.find(group, opt) !== undefined) return [];
    const place: Place = { kind: 'command_line', detail: `argument ${index}` };
    if (isJudged(groups, group)) return unknownOption(judged, group, opt, place);
    const hint = nearSetting(groups, group, opt);
    if (group.startsWith('x-') || (hint === undefined && !complete)) return [];
    const message = 'unknown option in an unknown group';
    return [unknown(OPTION, 'error', { section: group, option: opt, place }, message, hint)];
  });
}

/** Returns the option of another group that was intended: `api:hello.port` by `hello.port`. */
function nearSetting(groups: DeclaredGroups, group: string, opt: string): string | undefined {
  const own = groups.has(`api:${group}`) ? [`api:${group}`] : [];
  const near = [...groups.groupNames(), 'DEFAULT'].filter(
    (name) => nearestNames(group, [name, name.replace(/^api:/, '')]).length > 0,
  );
  for (const name of [...own, ...near]) {
    const meant = groups.find(name, opt) === undefined ? nearestNames(opt, groups.spelledIn(name))[0] : opt;
    if (meant !== undefined) return `did you mean ${name}.${meant}?`;
  }
  return undefined;
}

function inEnvironment({ groups, sources, strict, complete }: Judged): Diagnostic[] {
  const { envPrefix, environment, otherVariables = [] } = sources;
  if (otherVariables.length === 0 && Object.keys(environment).length === 0) return [];
  const known = new Set<string>();
  for (const { option, spellings } of groups.all()) {
    for (const { group, opt } of spellings) {
      const name = variableName(envPrefix, group, opt);
      known.add(name);
      if (option.secret) known.add(`${name}_FILE`);
    }
  }
  const severity = strict ? 'error' : 'warning';
  const unknownVariable = (name: string, message: string, hint: string | undefined): Diagnostic =>
    unknown(VARIABLE, severity, { place: { kind: 'environment', detail: name } }, message, hint);
  const written = Object.keys(environment).flatMap((name) => {
    if (!name.startsWith(`${envPrefix}_`) || known.has(name)) return [];
    const plain = known.has(name.replace(/_FILE$/, ''));
    // An API's variable without the word `API`.
    const longer = name.replace(`${envPrefix}_`, `${envPrefix}_API_`);
    const hint = known.has(longer) ? `did you mean '${longer}'?` : suggestion(name, known);
    if (!complete && !plain && hint === undefined) return [];
    const message = plain ? 'only secret options are read from files' : 'this variable matches no option';
    return [unknownVariable(name, message, hint)];
  });
  const prefixes = ['DEFAULT', ...groups.groupNames()].map((group) => variableName(envPrefix, group, '').slice(0, -1));
  const short = otherVariables.flatMap((name) => {
    const ofDefault = name.replace(`${envPrefix}_`, `${envPrefix}_DEFAULT__`);
    if (known.has(ofDefault)) return [unknownVariable(name, 'no group is named', `did you mean '${ofDefault}'?`)];
    if (!prefixes.some((prefix) => name.startsWith(prefix))) return [];
    const exact = [...known].find((each) => each.replace('__', '_') === name);
    const hint = exact === undefined ? suggestion(name, known) : `did you mean '${exact}'?`;
    return hint === undefined ? [] : [unknownVariable(name, 'group and option are separated by two underscores', hint)];
  });
  return [...written, ...short];
}

function isJudged(groups: DeclaredGroups, section: string): boolean {
  return !section.startsWith('x-') && (section === 'DEFAULT' || groups.groupOf(section) !== undefined);
}

function isKnownSection(groups: DeclaredGroups, name: string): boolean {
  return name === 'DEFAULT' || name.startsWith('x-') || groups.has(name) || groups.spelledIn(name).length > 0;
}

/** Sections of OpenStack's services that nothing here reads, each with a hint. */
const FOREIGN: ReadonlyMap<string, string> = new Map([
  [
    'oslo_middleware',
    'write its options in the sections of the filters: max_request_body_size of sizelimit, trusted_proxies of proxy_headers, user_file of basic_auth',
  ],
  ['paste_deploy', 'write config_file as [DEFAULT] api_paste_config, and name the pipeline of the flavor as its API'],
  ['oslo_policy', 'remove it: the application decides by the roles of its RequestContext'],
]);

function unknownSection({ groups, strict, ...scope }: Judged, section: string, place: Place): Diagnostic[] {
  const complete = scope.complete || scope.closed?.has(section.toLowerCase()) === true;
  const isApi = groups.has(`api:${section}`);
  // The app of that API may use it as its own group.
  if (isApi && !complete) return [];
  const foreign = FOREIGN.get(section);
  const suggested = foreign ?? suggestion(section, ['DEFAULT', ...groups.groupNames()]);
  const near = isApi ? `did you mean [api:${section}]?` : suggested;
  if ((near ?? foreign) === foreign && !complete) return [];
  const severity = strict && complete ? 'error' : 'warning';
  const hint = near ?? 'a section named x-… is ignored';
  return [unknown(UNKNOWN_SECTION, severity, { section, place }, 'unknown section', hint)];
}

function unknownOption(
  { groups, strict, complete, only }: Judged,
  group: string,
  opt: string,
  place: Place,
): Diagnostic[] {
  const subject = { section: group, option: opt, place };
  const advice = groups.adviceFor(group, 'unused', opt);
  if (advice !== undefined) return [unknown(UNUSED, 'warning', subject, WITHOUT_EFFECT, advice)];
  const near = groups.adviceFor(group, 'meant', opt) ?? suggestion(opt, groups.spelledIn(group));
  const section = groups.sectionOfSpelling(group, opt);
  if (section !== undefined && near === undefined) {
    // `metadata_workers` in a program that does not serve metadata: one file may be for several programs.
    const message = `nothing here is called [${section}]`;
    return [unknown(UNKNOWN_SECTION, strict ? 'error' : 'warning', subject, message)];
  }
  const hint = near ?? elsewhere(groups, opt);
  // Code that is not loaded yet may declare it, in [DEFAULT] or in the section of its API.
  const mayBeDeclared = !complete && hint === undefined;
  if (mayBeDeclared && only === undefined && group.startsWith('api:')) return [];
  const severity = mayBeDeclared && group === 'DEFAULT' ? 'warning' : 'error';
  return [unknown(OPTION, severity, subject, 'unknown option', hint ?? meantElsewhere(groups, opt))];
}

/** Returns the groups that have an option, under any of its names; else the options of nearly that name, each with a group. */
function elsewhere(groups: DeclaredGroups, opt: string): string | undefined {
  const sections = groupsInOrder(groups);
  const owners = sections.filter((group) => groups.find(group, opt) !== undefined).map((group) => `[${group}]`);
  if (owners.length > 0) return `'${opt}' is an option of ${owners.slice(0, 3).join(', ')}`;
  const names = nearestNames(opt, new Set(groups.all().map((each) => each.opt)));
  const ownerOf = (name: string): string | undefined =>
    sections.find((group) => groups.option(group, name) !== undefined);
  return names.length === 0
    ? undefined
    : `did you mean ${names.map((name) => `'${name}' of [${ownerOf(name)}]`).join(' or ')}?`;
}

/** Returns the hint of the first group that knows the name from other programs. */
function meantElsewhere(groups: DeclaredGroups, opt: string): string | undefined {
  for (const group of groupsInOrder(groups)) {
    const advice = groups.adviceFor(group, 'meant', opt);
    if (advice !== undefined) return advice.replace(/\?$/, ` of [${group}]?`);
  }
  return undefined;
}

/** Returns the names of all groups, those of filters last. */
function groupsInOrder(groups: DeclaredGroups): string[] {
  const isOfFilter = (group: string): number => Number(groups.sectional.has(group));
  return groups.groupNames().toSorted((a, b) => isOfFilter(a) - isOfFilter(b));
}

function unknown(
  code: string,
  severity: Diagnostic['severity'],
  subject: Pick<Diagnostic, 'section' | 'option' | 'place'>,
  message: string,
  hint?: string,
): Diagnostic {
  return { severity, code, ...subject, message, hint };
}
