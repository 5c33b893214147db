/**
 * Units of systemd: words of their lists and command lines, their directives (systemd.syntax(7)), and the paths that a service writes to
 * under one: directories that the unit creates, and values that it moves there.
 */
import type { WrittenPath } from 'portico/service';
import type { Deployment } from './deployment.js';
import { directoryOf, isRelative, valueIn, variableOf } from './moved-paths.js';

/** Directories that systemd creates, owned by the user of the service, by directive. */
export const MADE = {
  RuntimeDirectory: '/run',
  StateDirectory: '/var/lib',
  LogsDirectory: '/var/log',
  CacheDirectory: '/var/cache',
} as const;

/** Escapes the specifiers in a text. */
export const plain = (text: string): string => text.replaceAll('%', '%%');

/** Returns a word of a list in systemd's syntax. */
export function listed(word: string): string {
  const text = plain(word);
  return /[\s"'\\;]/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : text;
}

/** Returns a word of a command line, with escaped variables. */
export const quoted = (word: string): string => listed(word.replaceAll('$', '$$$$'));

/**
 * Returns the locations of the written paths under the unit. `made`: names below the directories of {@link MADE}, by directive; `owned`:
 * directories elsewhere, which the service owns, and `inner` those inside of them; `environment`: assignments that move paths that are
 * relative, or in a directory that the service must not own; `refused`: paths that cannot be written.
 */
export function placesOf(deployment: Deployment) {
  const made = new Map(Object.keys(MADE).map((directive) => [directive, new Set<string>()]));
  const owned = new Set<string>();
  const environment: string[] = [];
  const refused: WrittenPath[] = [];
  made.get('RuntimeDirectory')!.add(deployment.name);
  const [state] = deployment.writtenPaths();
  const movedTo = placeOf(state!, deployment);
  if (movedTo !== state!.value) environment.push(`${variableOf(state!)}=${movedTo}`);
  for (const written of writtenInUnit(deployment)) {
    const value = placeOf(written, deployment);
    if (value !== written.value) {
      environment.push(`${variableOf(written)}=${value}`);
    } else if (mustMove(written, deployment)) {
      refused.push(written);
      continue;
    }
    const directory = directoryOf(written, value);
    if (isTemporary(directory)) continue;
    const maker = makerOf(directory);
    if (maker === undefined) owned.add(directory);
    else made.get(maker.directive)!.add(maker.name);
  }
  const isInner = (path: string): boolean => [...owned].some((each) => below(each, path) !== undefined);
  const [inner, outer] = [true, false].map((wanted) => [...owned].filter((path) => isInner(path) === wanted));
  return { made, owned: outer!, inner: inner!, environment, refused };
}

/** Returns the paths with the unit's `state_path`: options may refer to it. */
export function writtenInUnit(deployment: Deployment): readonly WrittenPath[] {
  const [state] = deployment.writtenPaths();
  return deployment.writtenPaths(placeOf(state!, deployment));
}

/** Returns the value of the option in the unit: that of the configuration, or of another path if it must move and can. */
export function placeOf(written: WrittenPath, deployment: Deployment): string {
  if (!written.canMove || !mustMove(written, deployment)) return written.value;
  return valueIn(written, `${written.isLog ? MADE.LogsDirectory : MADE.StateDirectory}/${deployment.name}`);
}

/** Reports whether a path is relative, or in a directory that the service must not own. */
function mustMove(written: WrittenPath, deployment: Deployment): boolean {
  if (isRelative(written) && written.kind !== 'socket') return true;
  return !canOwn(directoryOf(written, written.value), deployment);
}

/** Excludes the code (the working directory, and the directories above it) and directories that others share. */
function canOwn(directory: string, { folder }: Deployment): boolean {
  const isShared = /^\/(?:[^/]+|var\/[^/]+)?$/.test(directory) && !isTemporary(directory);
  return !isShared && directory !== folder && below(directory, folder) === undefined;
}

/** Returns the directive of {@link MADE} that creates a directory, and the name that it has there; undefined for one elsewhere. */
function makerOf(directory: string): { readonly directive: string; readonly name: string } | undefined {
  const [found] = Object.entries(MADE).flatMap(([directive, parent]) => {
    const name = below(parent, directory);
    return name === undefined ? [] : [{ directive, name }];
  });
  return found;
}

/** `PrivateTmp=` provides separate ones. */
export const isTemporary = (path: string): boolean => /^(?:\/var)?\/tmp(?:\/|$)/.test(path);

/** Returns the part of a path below a folder; undefined for a path elsewhere. */
export function below(folder: string, path: string): string | undefined {
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : undefined;
}
