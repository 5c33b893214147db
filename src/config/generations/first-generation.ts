/**
 * The first generation of a configuration: from its sources, from a text, from a snapshot, or with nothing written.
 */
import type { Diagnostic } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import { type LoadOptions, readState, workerConfiguration } from '../load.js';
import { declareSources, readExternalSources } from '../sources/external-sources.js';
import { parseSource } from '../sources/read-files.js';
import { DeclaredGroups } from '../values/declared-groups.js';
import { refuseErrors } from '../values/issue.js';
import { ChangeHooks } from './changes.js';
import { CurrentGeneration } from './current-generation.js';
import { type ConfigSnapshot, configOptions, emptyState, fromSnapshot, type State } from './generation.js';

/** From files, environment and command line; in a worker from what the parent handed over. */
export async function firstOfSources(options: LoadOptions): Promise<CurrentGeneration> {
  const worker = options.worker ?? workerConfiguration();
  const snapshot = worker?.configuration;
  // Workers of a service have the same warnings: the first of them tells those that their parent could not know.
  const quiet = (worker?.assignment?.index ?? 0) > 0;
  if (snapshot !== undefined) return firstOfSnapshot(snapshot, { ...options, quiet });
  const overrides = new Map(Object.entries(options.overrides ?? {}));
  if (options.strict !== undefined) overrides.set('DEFAULT.strict_config', options.strict);
  const declared = { groups: declaredGroups(options), overrides, defaults: new Map() };
  const state = await readExternalSources(readState(options, declared.groups), declared);
  const first = firstGeneration({ ...declared, state, log: options.log });
  if (options.collect === true) return first;
  if (options.groups === undefined) refuseErrors(state.issues);
  // Variables and arguments may be those of groups that are declared later: they wait for the judgement of all.
  else refuseErrors(first.generation.problems(false).filter((issue) => !isStranger(issue, declared.groups)));
  return first;
}

/** From a text, as if it stood in a file. */
export function firstOfText(
  text: string,
  options: { readonly file?: string; readonly log?: Logger },
): CurrentGeneration {
  const issues: Diagnostic[] = [];
  const file = parseSource({ name: options.file ?? 'portico.ini', path: '' }, text, issues);
  refuseErrors(issues);
  const empty = emptyState();
  const sources = { ...empty.mutable, files: [file] };
  return firstGeneration({ state: { ...empty, mutable: sources, fixed: sources }, log: options.log });
}

/** From what another process accepted. */
export function firstOfSnapshot(
  snapshot: ConfigSnapshot,
  options: Pick<LoadOptions, 'log' | 'groups'> & { readonly quiet?: boolean },
): CurrentGeneration {
  const overrides = new Map(Object.entries(snapshot.overrides));
  const defaults = new Map(Object.entries(snapshot.defaults));
  const groups = declaredGroups(options);
  const { log, quiet = false } = options;
  const { told = [] } = snapshot;
  return firstGeneration({ state: fromSnapshot(snapshot), groups, overrides, defaults, log, quiet, told });
}

/** From nothing, or from parts that are there already. */
export function firstGeneration(parts: {
  readonly state?: State;
  readonly groups?: DeclaredGroups;
  readonly overrides?: Map<string, unknown>;
  readonly defaults?: Map<string, unknown>;
  readonly log?: Logger | undefined;
  readonly quiet?: boolean;
  readonly told?: readonly string[];
}): CurrentGeneration {
  const { state = emptyState(), log, quiet = false, told = [] } = parts;
  const { groups = new DeclaredGroups(), overrides = new Map(), defaults = new Map() } = parts;
  const declared = { groups, overrides, defaults };
  groups.declare('DEFAULT', configOptions);
  declareSources(state, declared);
  return new CurrentGeneration(state, declared, { checks: [], hooks: new ChangeHooks(), log, quiet }, told);
}

function isStranger({ code, section = '', place }: Diagnostic, groups: DeclaredGroups): boolean {
  if (code === 'PORTICO_CONFIG_UNKNOWN_VARIABLE') return true;
  return code === 'PORTICO_CONFIG_UNKNOWN_OPTION' && place?.kind === 'command_line' && !groups.has(section);
}

function declaredGroups({ groups }: Pick<LoadOptions, 'groups'>): DeclaredGroups {
  const declared = new DeclaredGroups();
  declared.declare('DEFAULT', configOptions);
  for (const [name, options] of Object.entries(groups ?? {})) declared.declare(name, options);
  return declared;
}
