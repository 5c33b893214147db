/**
 * Files that a configuration names without saying where they are.
 */
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { State } from '../generations/state.js';

/**
 * The absolute path of a file: beside the configuration files (the last one first), then in the configuration
 * directories, then where default files are looked for. Without any configuration file the working directory and its
 * `paste/` come first. Files already read count as there. Undefined when it is nowhere.
 */
export function findConfigFile({ paths, files }: State, name: string): string | undefined {
  const places = [
    ...paths.files.map(({ path }) => dirname(path)).toReversed(),
    ...paths.dirs.map(({ path }) => path).toReversed(),
    ...(paths.files.length === 0 ? ['.', 'paste'] : []),
    ...paths.searched,
  ];
  const candidates = isAbsolute(name) ? [name] : places.map((place) => resolve(join(place, name)));
  const read = new Set(files.paths);
  return candidates.find((path) => read.has(path)) ?? candidates.find((path) => existsSync(path));
}
