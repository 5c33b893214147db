/**
 * Places of the paths that a service of systemd writes to: directories that the unit makes, and values that it moves there.
 */
import type { Deployment } from './deployment.js';
import { MADE } from './systemd-unit.js';
import { directoryOf, isRelative, valueIn, variableOf, type WrittenPath } from './written-paths.js';

/** Name of the directory below those of {@link MADE} for files that cannot be written in their own place. */
export const NAME = 'portico';

/** Written paths, as a unit has them. */
export interface Places {
  /** Names below the directories of {@link MADE}. */
  readonly made: Readonly<Record<keyof typeof MADE, readonly string[]>>;
  /** Directories elsewhere, which the service owns. */
  readonly owned: readonly string[];
  /** Assignments that move what is relative, or is beside what the service must not own. */
  readonly environment: readonly string[];
  /** Paths that cannot be written. */
  readonly refused: readonly WrittenPath[];
}

/** Place of each written path, once the unit has done its part. */
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

/** The paths, with `state_path` where the unit has it: options may refer to that. */
export function writtenInUnit(deployment: Deployment): readonly WrittenPath[] {
  const [state] = deployment.writes();
  return deployment.writes(placeOf(state!, deployment));
}

/** The value of the option in the unit: that of the configuration, or of another place where it must move and can. */
export function placeOf(written: WrittenPath, deployment: Deployment): string {
  if (!written.canMove || !mustMove(written, deployment)) return written.value;
  return valueIn(written, `${written.isLog ? MADE.LogsDirectory : MADE.StateDirectory}/${NAME}`);
}

/** Whether a path is relative, or in a directory that the service must not own. */
function mustMove(written: WrittenPath, deployment: Deployment): boolean {
  if (isRelative(written) && written.kind !== 'socket') return true;
  return !canOwn(directoryOf(written, written.value), deployment);
}

/** Neither the code (the working directory, and what is above it) nor a directory that others share. */
function canOwn(directory: string, { folder }: Deployment): boolean {
  const isShared = /^\/(?:[^/]+|var\/[^/]+)?$/.test(directory) && !isTemporary(directory);
  return !isShared && directory !== folder && below(directory, folder) === undefined;
}

/** `PrivateTmp=` has them of its own. */
export const isTemporary = (path: string): boolean => /^(?:\/var)?\/tmp(?:\/|$)/.test(path);

/** The part of a path below a folder; undefined for one elsewhere. */
export function below(folder: string, path: string): string | undefined {
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : undefined;
}
