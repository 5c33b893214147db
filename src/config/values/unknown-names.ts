/**
 * Names that are written and not declared: in files, in the environment, on the command line.
 */

import { type Diagnostic, nearestNames, type Place, placeInFile } from '../../errors/index.js';
import { type Sources, variableName } from '../sources/sources.js';
import type { DeclaredGroups } from './declared-groups.js';
import { suggestion } from './issue.js';
import { maskLocation } from './mask.js';

/** What to judge. */
export interface NamesToJudge {
  readonly groups: DeclaredGroups;
  readonly sources: Sources;
  /** Unknown sections and variables are errors too. */
  readonly strict: boolean;
  /**
   * Every group that will ever be asked for is declared. Otherwise a name that is unknown now may still be declared: then
   * names of `[DEFAULT]` that come near no known one are warnings, and such sections, variables and settings are left alone.
   */
  readonly complete: boolean;
  /** Only this group. */
  readonly only?: string;
}

/** All unknown names, each with the nearest known one. Sections whose name begins with `x-` are never reported. */
export function unknownNames(judged: NamesToJudge): Diagnostic[] {
  judged.groups.instantiate(judged.sources);
  if (judged.only !== undefined) return inFiles(judged);
  return [...inFiles(judged), ...inArguments(judged), ...inEnvironment(judged)];
}

function inFiles(judged: NamesToJudge): Diagnostic[] {
  const { groups, sources } = judged;
  const issues: Diagnostic[] = [];
  for (const file of sources.files) {
    const reported = new Set<string>();
    for (const { name, origin } of file.sections) {
      if (judged.only !== undefined || reported.has(name) || isKnownSection(groups, name)) continue;
      reported.add(name);
      issues.push(...unknownSection(judged, origin.section ?? name, placeInFile(origin, file.kind)));
    }
    for (const { section, name, origin } of file.entries) {
      if (judged.only !== undefined && judged.only !== section) continue;
      // A name always begins its line: one that is indented continues a value.
      const location = maskLocation(name, undefined, placeInFile({ ...origin, column: 1 }, file.kind));
      if (section === 'DEFAULT' && /^config_(?:file|dir)$/.test(name)) issues.push(onlyOnCommandLine(name, location));
      else if (groups.find(section, name) === undefined && isJudged(judged, section)) {
        issues.push(...unknownOption(judged, section, name, location));
      }
    }
  }
  return issues;
}

/** Nothing else would ever say that an argument does not count: it is refused where a file's section is left alone. */
function inArguments(judged: NamesToJudge): Diagnostic[] {
  const { groups, complete } = judged;
  return judged.sources.arguments.flatMap(({ group, opt, index }) => {
    if (groups.find(group, opt) !== undefined) return [];
    const place: Place = { kind: 'command_line', detail: `argument ${index}` };
    if (isJudged(judged, group)) return unknownOption(judged, group, opt, place);
    const hint = nearSetting(groups, group, opt);
    if (group.startsWith('x-') || (hint === undefined && !complete)) return [];
    const [severity, code] = ['error', 'PORTICO_CONFIG_UNKNOWN_OPTION'] as const;
    const message = 'unknown option, of a group that is not declared';
    return [{ severity, code, section: group, option: opt, place, message, hint }];
  });
}

/** The option of another group that was meant: `api:hello.port` by `hello.port`. */
function nearSetting(groups: DeclaredGroups, group: string, opt: string): string | undefined {
  const own = groups.has(`api:${group}`) ? [`api:${group}`] : [];
  const near = [...groups.groupNames(), 'DEFAULT'].filter(
    (name) => nearestNames(group, [name, shortName(name)]).length > 0,
  );
  for (const name of [...own, ...near]) {
    if (groups.find(name, opt) !== undefined) return `did you mean ${name}.${opt}?`;
    const [meant] = nearestNames(opt, groups.spelledIn(name));
    if (meant !== undefined) return `did you mean ${name}.${meant}?`;
  }
  return undefined;
}

const shortName = (group: string): string => group.replace(/^api:/, '');

function inEnvironment({ groups, sources, strict, complete }: NamesToJudge): Diagnostic[] {
  const { envPrefix, environment, otherVariables = [] } = sources;
  const known = new Set<string>();
  for (const { group, opt, option } of groups.all()) {
    for (const spelling of groups.spellings(group, opt)) {
      const name = variableName(envPrefix, spelling.group, spelling.opt);
      known.add(name);
      if (option.secret) known.add(`${name}_FILE`);
    }
  }
  const severity = strict ? 'error' : 'warning';
  const unknown = (name: string, message: string, hint: string | undefined): Diagnostic => {
    const place: Place = { kind: 'environment', detail: name };
    return { severity, code: 'PORTICO_CONFIG_UNKNOWN_VARIABLE', place, message, hint };
  };
  const written = Object.keys(environment).flatMap((name) => {
    if (!name.startsWith(`${envPrefix}_`) || known.has(name)) return [];
    const plain = known.has(name.replace(/_FILE$/, ''));
    // An API's variable without the word that says so.
    const longer = name.replace(`${envPrefix}_`, `${envPrefix}_API_`);
    const hint = known.has(longer) ? `did you mean '${longer}'?` : suggestion(name, known);
    if (!complete && !plain && hint === undefined) return [];
    return [unknown(name, plain ? 'only secret options are read from files' : 'no option has this variable', hint)];
  });
  const prefixes = ['DEFAULT', ...groups.groupNames()].map((group) => variableName(envPrefix, group, '').slice(0, -1));
  const short = otherVariables.flatMap((name) => {
    if (!prefixes.some((prefix) => name.startsWith(prefix))) return [];
    const exact = [...known].find((each) => each.replace('__', '_') === name);
    const hint = exact === undefined ? suggestion(name, known) : `did you mean '${exact}'?`;
    return hint === undefined ? [] : [unknown(name, 'two underscores stand between group and option', hint)];
  });
  return [...written, ...short];
}

function isJudged({ groups }: NamesToJudge, section: string): boolean {
  return !section.startsWith('x-') && (section === 'DEFAULT' || groups.has(section));
}

function isKnownSection(groups: DeclaredGroups, name: string): boolean {
  return name === 'DEFAULT' || name.startsWith('x-') || groups.has(name) || groups.spelledIn(name).length > 0;
}

function unknownSection({ groups, strict, complete }: NamesToJudge, name: string, place: Place): Diagnostic[] {
  const near = groups.has(`api:${name}`)
    ? `did you mean [api:${name}]?`
    : suggestion(name, ['DEFAULT', ...groups.groupNames()]);
  if (near === undefined && !complete) return [];
  const hint = near ?? 'a section called x-… is left alone';
  const severity = strict && complete ? 'error' : 'warning';
  const code = 'PORTICO_CONFIG_UNKNOWN_SECTION';
  return [{ severity, code, section: name, place, message: 'unknown section', hint }];
}

function unknownOption(judged: NamesToJudge, group: string, opt: string, place: Place): Diagnostic[] {
  const { groups, strict } = judged;
  const section = groups.sectionOfSpelling(group, opt);
  if (section !== undefined && suggestion(opt, groups.spelledIn(group)) === undefined) {
    // `metadata_workers` in a program that does not serve metadata: one file may be for several programs.
    const message = `nothing here is called [${section}]`;
    const code = 'PORTICO_CONFIG_UNKNOWN_SECTION';
    return [{ severity: strict ? 'error' : 'warning', code, section: group, option: opt, place, message }];
  }
  const hint = whatWasMeant(groups, group, opt);
  // The code of an API may have options in its section, and is loaded where the API is started.
  if (judged.only === undefined && group.startsWith('api:') && !judged.complete && hint === undefined) return [];
  const mayBeDeclared = group === 'DEFAULT' && !judged.complete && hint === undefined;
  const severity = mayBeDeclared ? 'warning' : 'error';
  const code = 'PORTICO_CONFIG_UNKNOWN_OPTION';
  return [{ severity, code, section: group, option: opt, place, message: 'unknown option', hint }];
}

/** The nearest name of the group; else the group that does have the option; else a near name of another group. */
function whatWasMeant(groups: DeclaredGroups, group: string, opt: string): string | undefined {
  const near = suggestion(opt, groups.spelledIn(group));
  if (near !== undefined) return near;
  const others = groups.groupNames().filter((name) => groups.optionNames(name).includes(opt));
  if (others.length > 0)
    return `'${opt}' is an option of ${others
      .slice(0, 3)
      .map((name) => `[${name}]`)
      .join(', ')}`;
  const everywhere = suggestion(
    opt,
    groups.groupNames().flatMap((name) => groups.optionNames(name)),
  );
  if (everywhere === undefined) return undefined;
  const owner = groups
    .groupNames()
    .find((name) => groups.optionNames(name).some((known) => everywhere.includes(`'${known}'`)));
  return owner === undefined ? everywhere : `${everywhere.slice(0, -1)} of [${owner}]?`;
}

function onlyOnCommandLine(opt: string, place: Place): Diagnostic {
  const message = `can only be given on the command line, as --${opt.replaceAll('_', '-')}`;
  const code = 'PORTICO_CONFIG_UNKNOWN_OPTION';
  return { severity: 'error', code, section: 'DEFAULT', option: opt, place, message };
}
