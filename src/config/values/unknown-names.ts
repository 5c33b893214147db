/**
 * Names that were written and that nobody declared: in files, in the environment, on the command line.
 */

import { fileLocation, type Sources, variableName } from '../sources/sources.js';
import type { DeclaredGroups } from './declared-groups.js';
import { type ConfigIssue, type Location, suggestion } from './issue.js';
import { maskLocation } from './mask.js';

/** What to judge. */
export interface NamesToJudge {
  readonly groups: DeclaredGroups;
  readonly sources: Sources;
  /** Unknown sections and variables are errors too. */
  readonly strict: boolean;
  /**
   * Every group that will ever be asked for is declared. Otherwise somebody may still declare what is unknown now: then
   * names of `[DEFAULT]` that come near no known one are warnings, and such sections and variables are left alone.
   */
  readonly complete: boolean;
  /** Only this group. */
  readonly only?: string;
}

/** All unknown names, each with the nearest known one. Sections whose name begins with `x-` are never reported. */
export function unknownNames(judged: NamesToJudge): ConfigIssue[] {
  for (const file of judged.sources.files) {
    for (const { name } of file.sections) judged.groups.instantiate(name);
  }
  if (judged.only !== undefined) return inFiles(judged);
  return [...inFiles(judged), ...inArguments(judged), ...(judged.complete ? inEnvironment(judged) : [])];
}

function inFiles(judged: NamesToJudge): ConfigIssue[] {
  const { groups, sources } = judged;
  const issues: ConfigIssue[] = [];
  for (const file of sources.files) {
    const reported = new Set<string>();
    for (const { name, origin } of file.sections) {
      if (judged.only !== undefined || reported.has(name) || isKnownSection(groups, name)) continue;
      reported.add(name);
      issues.push(...unknownSection(judged, origin.section ?? name, fileLocation(file.kind, origin)));
    }
    for (const { section, name, origin } of file.entries) {
      if (judged.only !== undefined && judged.only !== section) continue;
      // A name always begins its line: one that is indented continues a value.
      const location = maskLocation(name, undefined, fileLocation(file.kind, { ...origin, column: 1 }));
      if (section === 'DEFAULT' && /^config_(?:file|dir)$/.test(name)) issues.push(onlyOnCommandLine(name, location));
      else if (groups.find(section, name) === undefined && isJudged(judged, section)) {
        issues.push(...unknownOption(judged, section, name, location));
      }
    }
  }
  return issues;
}

function inArguments(judged: NamesToJudge): ConfigIssue[] {
  return judged.sources.arguments
    .filter(({ group, opt }) => judged.groups.find(group, opt) === undefined)
    .filter(({ group }) => judged.complete || isJudged(judged, group))
    .flatMap(({ group, opt, index }) =>
      unknownOption(judged, group, opt, { kind: 'command_line', detail: `argument ${index}` }),
    );
}

function inEnvironment({ groups, sources, strict }: NamesToJudge): ConfigIssue[] {
  const known = new Set<string>();
  for (const { group, opt, option } of groups.all()) {
    for (const spelling of groups.spellings(group, opt)) {
      const name = variableName(sources.envPrefix, spelling.group, spelling.opt);
      known.add(name);
      if (option.secret) known.add(`${name}_FILE`);
    }
  }
  return Object.keys(sources.environment)
    .filter((name) => name.startsWith(`${sources.envPrefix}_`) && !known.has(name))
    .map((name) => ({
      severity: strict ? 'error' : 'warning',
      code: 'PORTICO_CONFIG_UNKNOWN_VARIABLE',
      location: { kind: 'environment', detail: name },
      message: known.has(name.replace(/_FILE$/, ''))
        ? 'only secret options are read from files'
        : 'no option has this variable',
      hint: suggestion(name, known),
    }));
}

function isJudged({ groups }: NamesToJudge, section: string): boolean {
  return !section.startsWith('x-') && (section === 'DEFAULT' || groups.has(section));
}

function isKnownSection(groups: DeclaredGroups, name: string): boolean {
  return name === 'DEFAULT' || name.startsWith('x-') || groups.has(name) || groups.spelledIn(name).length > 0;
}

function unknownSection({ groups, strict, complete }: NamesToJudge, name: string, location: Location): ConfigIssue[] {
  const near = groups.has(`api:${name}`)
    ? `did you mean [api:${name}]?`
    : suggestion(name, ['DEFAULT', ...groups.groupNames()]);
  if (near === undefined && !complete) return [];
  const hint = near ?? 'a section called x-… is left alone';
  const severity = strict && complete ? 'error' : 'warning';
  const code = 'PORTICO_CONFIG_UNKNOWN_SECTION';
  return [{ severity, code, group: name, location, message: 'unknown section', hint }];
}

function unknownOption(judged: NamesToJudge, group: string, opt: string, location: Location): ConfigIssue[] {
  const { groups, strict } = judged;
  const section = groups.sectionOfSpelling(group, opt);
  if (section !== undefined && suggestion(opt, groups.spelledIn(group)) === undefined) {
    // `metadata_workers` in a program that does not serve metadata: one file may be for several programs.
    const message = `nothing here is called [${section}]`;
    const code = 'PORTICO_CONFIG_UNKNOWN_SECTION';
    return [{ severity: strict ? 'error' : 'warning', code, group, opt, location, message }];
  }
  const hint = whatWasMeant(groups, group, opt);
  // The code of an API may have options in its section, and is loaded where the API is started.
  if (judged.only === undefined && group.startsWith('api:') && !judged.complete && hint === undefined) return [];
  const mayBeDeclared = group === 'DEFAULT' && !judged.complete && hint === undefined;
  const severity = mayBeDeclared ? 'warning' : 'error';
  return [{ severity, code: 'PORTICO_CONFIG_UNKNOWN_OPTION', group, opt, location, message: 'unknown option', hint }];
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

function onlyOnCommandLine(opt: string, location: Location): ConfigIssue {
  const message = `can only be given on the command line, as --${opt.replaceAll('_', '-')}`;
  return { severity: 'error', code: 'PORTICO_CONFIG_UNKNOWN_OPTION', group: 'DEFAULT', opt, location, message };
}
