/**
 * Paths that a systemd service writes to: directories that the unit creates, and values that it moves there.
 */
import type { Deployment } from './deployment.js';
import { MADE } from './systemd-unit.js';
import { directoryOf, isRelative, valueIn, variableOf, type WrittenPath } from './written-paths.js';

/** Name of the directory below those of {@link MADE} for files that cannot be written at their own path. */
export const NAME = 'portico';

/** Written paths in a unit. */
export interface Places {
  /** Names below the directories of {@link MADE}. */
  readonly made: Readonly<Record<keyof typeof MADE, readonly string[]>>;
  /** Directories elsewhere, which the service owns. */
  readonly owned: readonly string[];
  /** Assignments that move paths that are relative, or in a directory that the service must not own. */
  readonly environment: readonly string[];
  /** Paths that cannot be written. */
  readonly refused: readonly WrittenPath[];
}

/** Returns the place of each written path under the unit. */
export function placesOf(deployment: Deployment): Places {
  const made = Object.fromEntries(Object.keys(MADE).map((directive) => [directive, new Set<string>()]));
  const owned = new Set<string>();
  const environment: string[] = [];
  const refused: WrittenPath[] = [];
  made.RuntimeDirectory!.add(NAME);
  const [state] = deployment.writes();
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
    const [directive, parent] = Object.entries(MADE).find(([, path]) => below(path, directory) !== undefined) ?? [];
    if (directive === undefined) owned.add(directory);
    else made[directive]!.add(below(parent!, directory)!);
  }
  const names = Object.entries(made).map(([directive, all]) => [directive, [...all]]);
  return { made: Object.fromEntries(names) as Places['made'], owned: [...owned], environment, refused };
}

/** Returns the paths with the unit's `state_path`: options may refer to it. */
export function writtenInUnit(deployment: Deployment): readonly WrittenPath[] {
  const [state] = deployment.writes();
  return deployment.writes(placeOf(state!, deployment));
}

/** Returns the value of the option in the unit: that of the configuration, or of another place if it must move and can. */
export function placeOf(written: WrittenPath, deployment: Deployment): string {
  if (!written.canMove || !mustMove(written, deployment)) return written.value;
  return valueIn(written, `${written.isLog ? MADE.LogsDirectory : MADE.StateDirectory}/${NAME}`);
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

/** `PrivateTmp=` provides separate ones. */
export const isTemporary = (path: string): boolean => /^(?:\/var)?\/tmp(?:\/|$)/.test(path);

/** Returns the part of a path below a folder; undefined for a path elsewhere. */
export function below(folder: string, path: string): string | undefined {
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : undefined;
}
