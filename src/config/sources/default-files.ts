/**
 * Which files are read when nobody names any.
 */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, extname, isAbsolute, join, resolve } from 'node:path';

/** A file or directory to read: as named, and where that is. */
export interface NamedPath {
  readonly name: string;
  readonly path: string;
}

/** Where to look. */
export interface Surroundings {
  /** Names `<project>.conf`. */
  readonly project: string;
  /** Names `<prog>.conf`: the command without its extension. */
  readonly prog: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The command's name for `<prog>.conf`. */
export function programName(script: string | undefined): string {
  return script === undefined ? '' : basename(script, extname(script));
}

/**
 * `./portico.ini`, else `./paste/portico.ini`, else the first `<project>.conf` and the first `<prog>.conf` of
 * `~/.<project>/`, `~/`, `/etc/<project>/`, `/etc/` and the places a snap has. None is fine.
 */
export function findDefaultFiles(surroundings: Surroundings): NamedPath[] {
  const here = ['portico.ini', join('paste', 'portico.ini')].find((name) => existsSync(name));
  if (here !== undefined) return [named(here)];
  return firstOfEach(surroundings, '.conf');
}

/** The first `<project>.conf.d` and the first `<prog>.conf.d` of the same places. None is fine. */
export function findDefaultDirs(surroundings: Surroundings): NamedPath[] {
  return firstOfEach(surroundings, '.conf.d');
}

/** A path as an operator writes it: `~` is the home directory, relative ones start at the working directory. */
export function named(name: string): NamedPath {
  const expanded = name.replace(/^~(?=\/|$)/, () => homedir());
  return { name: isAbsolute(expanded) ? expanded : name, path: resolve(expanded) };
}

/** The directories of the system that default files are looked for in. */
export function searchedDirs({ project, env }: Surroundings): string[] {
  const home = env.HOME ?? homedir();
  const snaps = [env.SNAP_COMMON, env.SNAP].flatMap((snap) => (snap ? [join(snap, 'etc', project)] : []));
  return [join(home, `.${project}`), home, join('/etc', project), '/etc', ...snaps];
}

function firstOfEach(surroundings: Surroundings, suffix: string): NamedPath[] {
  const names = new Set([surroundings.project, surroundings.prog].filter((name) => name !== ''));
  const places = searchedDirs(surroundings);
  return [...names].flatMap((name) => {
    const found = places.map((place) => join(place, `${name}${suffix}`)).find((path) => existsSync(path));
    return found === undefined ? [] : [named(found)];
  });
}
