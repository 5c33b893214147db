/**
 * Directories of an application's default files, and the application's name.
 */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, extname, isAbsolute, join, resolve } from 'node:path';
import { ignoreErrors } from '../../errors/index.js';
import { closedFolder, enteredFolder } from '../../process/index.js';
import type { NamedPath, SourcePaths } from '../state.js';

/** The application whose default files are searched. */
export interface ProgramNames {
  /** Name in `<project>.conf`. */
  readonly project: string;
  /** Name in `<prog>.conf`: the command without its extension. */
  readonly prog: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Returns the command's name for `<prog>.conf`. */
export function programName(script: string | undefined): string {
  return script === undefined ? '' : basename(script, extname(script));
}

/**
 * Returns `./portico.ini`, else `./paste/portico.ini`, else the first `<project>.conf` and the first `<prog>.conf` of `~/.<project>/`,
 * `~/`, `/etc/<project>/`, `/etc/` and the directories of a snap. May be empty.
 */
export function findDefaultFiles(program: ProgramNames): NamedPath[] {
  const here = ['portico.ini', join('paste', 'portico.ini')].map(named);
  // In a folder that this user may not enter a file seems to be absent: it is named, and reading it tells the reason.
  const found = here.find(({ path }) => existsSync(path) || closedFolder(path) !== undefined);
  if (found !== undefined) return [found];
  return firstOfEach(program, '.conf');
}

/** Returns the first `<project>.conf.d` and the first `<prog>.conf.d` of the same directories. May be empty. */
export function findDefaultDirs(program: ProgramNames): NamedPath[] {
  return firstOfEach(program, '.conf.d');
}

/**
 * Resolves a path as operators write it: `~` is the home directory, relative ones start at the working directory, with the links by which
 * it was entered.
 */
export function named(name: string): NamedPath {
  const expanded = name.replace(/^~(?=\/|$)/, () => homedir());
  return { name: isAbsolute(expanded) ? expanded : name, path: resolve(enteredFolder(), expanded) };
}

/** Returns the directories of the system with default files. */
export function searchedDirs({ project, env }: ProgramNames): string[] {
  // A user without HOME and without an entry in passwd(5) has none.
  const home = env.HOME ?? ignoreErrors(homedir);
  const homes = home === undefined ? [] : [join(home, `.${project}`), home];
  const snaps = [env.SNAP_COMMON, env.SNAP].flatMap((snap) => (snap ? [join(snap, 'etc', project)] : []));
  return [...homes, join('/etc', project), '/etc', ...snaps];
}

function firstOfEach(program: ProgramNames, suffix: string): NamedPath[] {
  const names = new Set([program.project, program.prog].filter((name) => name !== ''));
  const dirs = searchedDirs(program);
  return [...names].flatMap((name) => {
    const found = dirs.map((dir) => join(dir, `${name}${suffix}`)).find((path) => existsSync(path));
    return found === undefined ? [] : [named(found)];
  });
}

/**
 * Returns the absolute path of a file: beside the configuration files (the last one first), then in the configuration directories, then in
 * the directories of default files. Without any configuration file, the working directory and its `paste/` come first. Files that were read
 * already count as present. Undefined if it is not found.
 */
export function findConfigFile(
  name: string,
  { paths, files }: { readonly paths: SourcePaths; readonly files: { readonly paths: readonly string[] } },
): string | undefined {
  const dirs = [
    ...paths.files.map(({ path }) => dirname(path)).toReversed(),
    ...paths.dirs.map(({ path }) => path).toReversed(),
    ...(paths.files.length === 0 ? ['.', 'paste'] : []),
    ...paths.searched,
  ];
  const candidates = isAbsolute(name) ? [name] : dirs.map((dir) => resolve(join(dir, name)));
  const read = new Set(files.paths);
  return candidates.find((path) => read.has(path)) ?? candidates.find((path) => existsSync(path));
}
