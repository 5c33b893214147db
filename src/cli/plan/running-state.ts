/** The state of services in the processes that serve them, with the code and the configuration that those have loaded. */
import { randomUUID } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import type { ShownOption } from '../../config/internal.js';
import { ignoreErrors, shownPath } from '../../errors/index.js';
import { isWorker } from '../../launch/internal.js';
import type { StatusDocument } from '../../operating/internal.js';
import {
  compareStates,
  type Difference,
  type OptionState,
  optionKey,
  type State,
  type StateSource,
} from '../../plan/index.js';
import { changedProgramFiles } from '../../process/index.js';
import { masked } from '../../text/index.js';
import { ask } from '../control-client.js';
import { builtState, type RunningService } from './built-state.js';
import { sourceOf } from './plain-data.js';

/** Returns the state of a service of `api-cli` in this process. Throws for any other one. */
export async function stateHere(service: Partial<RunningService> | undefined, key: string): Promise<State> {
  const { name, config } = service ?? {};
  if (name === undefined || config === undefined) throw new Error('it is no service of a configuration');
  // A factory might change what the application already serves with, such as a pool of its module.
  if (!('described' in service!) && service!.made?.() === undefined)
    throw new Error('it serves no app of its paste file at present');
  const only = 'described' in service! ? { apis: [], services: [name] } : { apis: [name], services: [] };
  const state = await builtState(config, key, { ...only, running: service as RunningService });
  return isWorker() ? state : { ...state, keptFiles: changedProgramFiles().map(shownPath) };
}

/** The state of all services that run, and of the files that they were started with. */
export interface RunningStates {
  readonly before: State;
  readonly key: string;
  /** Source of the state that a reload would give. */
  readonly after: StateSource;
}

/** Asks the service on a control socket. `signal`: ends the waiting. */
export async function runningStates(socket: string, signal?: AbortSignal): Promise<RunningStates> {
  const key = randomUUID();
  const { process: told } = await ask<StatusDocument>(socket, 'GET', '/status', {}, signal);
  const before = await runningState(socket, key, signal);
  const files = told.configFiles.flatMap((file) => ['--config-file', withinRelease(file, told)]);
  const given = before.options.filter(({ lasting, value }) => lasting && !value.includes(masked));
  const sets = given.flatMap(({ group, opt, value }) => ['--set', `${group}.${opt}=${value}`]);
  // The link may lead to a new release, to which a reload changes.
  const folder = ignoreErrors(() => realpathSync(told.link ?? '')) ?? told.folder;
  return { before, key, after: { label: 'the files', folder, args: [...files, ...sets] } };
}

/** Returns a path relative to the directory of the service, however it names it; any other path absolute. */
function withinRelease(file: string, { folder, link }: StatusDocument['process']): string {
  const path = resolve(folder, file);
  const paths = [folder, link ?? folder].map((from) => relative(from, path));
  return paths.find((each) => !isAbsolute(each) && each.split(sep)[0] !== '..') ?? path;
}

/** Returns the state of the running service; `key`: of the digests of secrets, `signal`: ends the waiting. */
export async function runningState(socket: string, key: string, signal?: AbortSignal): Promise<State> {
  const { states } = await ask<{ states: readonly State[] }>(socket, 'POST', '/state', { key }, signal);
  const { options } = await ask<{ options: readonly ShownOption[] }>(socket, 'GET', '/config?all', {}, signal);
  // Only the parent knows the options of its groups.
  const ofParent = options.map(({ group, opt, value, location }): OptionState => {
    return { group, opt, value, digest: null, ...sourceOf(location), restart: true };
  });
  const byName = new Map(
    [...ofParent, ...states.flatMap((each) => each.options)].map((each) => [optionKey(each), each]),
  );
  return {
    schema: 'portico/state',
    version: 1,
    apis: states.flatMap(({ apis }) => apis),
    services: states.flatMap(({ services }) => services),
    options: [...byName.values()],
    keptFiles: [...new Set(states.flatMap(({ keptFiles = [] }) => keptFiles))],
  };
}

/** Returns the differences that a reload makes, or a restart. `after`: the state of the files. */
export function reloadDifferences(before: State, after: State): Difference[] {
  const found = compareStates(before, reloadable(before, after));
  if (!before.keptFiles?.length) return found;
  // A changed option or pipeline may be the reason too, and is applied.
  if (found.some((each) => !isOfCode(each) && each.effect !== 'needs a restart')) return found;
  return found.map((each) => (isOfCode(each) ? { ...each, effect: 'needs a restart' } : each));
}

/** Rules of differences that changed code makes, beside those of routes. */
const OF_CODE = /^(?:versions|faults|route|job|interface|method)-/;

function isOfCode({ route, rule }: Difference): boolean {
  return route !== null || OF_CODE.test(rule);
}

/** Returns what is said of changed files that a reload does not load again; undefined if there are none. */
export function keptFilesText({ keptFiles = [] }: State): string | undefined {
  if (keptFiles.length === 0) return undefined;
  const they = keptFiles.length === 1 ? 'has' : 'have';
  return `${keptFiles.join(', ')} ${they} changed since the process started: a reload of a single process does not load code again, and differences from it need a restart`;
}

/** Returns the state after a reload, without what it leaves as it is: options that this service has not declared, or not from files. */
function reloadable(before: State, after: State): State {
  const old = new Map(before.options.map((each) => [optionKey(each), each]));
  const options = after.options.flatMap((each) => {
    const was = old.get(optionKey(each));
    if (was === undefined) return [];
    return [was.lasting ? { ...was, restart: each.restart } : each];
  });
  return { ...after, options };
}
