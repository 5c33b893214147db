/**
 * Files that were read with a configuration, and the options that name them.
 */
import { resolve } from 'node:path';
import { placeOf } from '../../errors/index.js';
import type { Generation } from './generation.js';

/** A file that `config.readFile` has read. */
export interface NamedFile {
  /** Absolute path. */
  readonly path: string;
  /** The option that names it, as `group.option`; without one, as in a section of a paste file, its path. */
  readonly option: string;
  /** Place of the option's value; without one, `read by the application`. */
  readonly where: string;
  /** True if its content is the value of the option, whose change a reload reports. */
  readonly isValue: boolean;
}

/** Returns all files of a generation that were read, in that order. */
export function namedFiles(generation: Generation): NamedFile[] {
  const { files, sources } = generation.state;
  const { paths } = files;
  if (paths.length === 0) return [];
  const named = new Map<string, NamedFile>();
  for (const { group, opt, option, value, location } of generation.resolveAll()) {
    const variable = location.kind === 'environment' ? sources.environment[location.detail ?? ''] : undefined;
    const isValue = option.secret && variable !== undefined && location.detail?.endsWith('_FILE') === true;
    const file = isValue ? variable : option.type === 'path' ? value : undefined;
    if (typeof file !== 'string' || file === '') continue;
    const path = resolve(file);
    const where = placeOf(location) || 'default';
    named.set(path, named.get(path) ?? { path, option: `${group}.${opt}`, where, isValue });
  }
  return paths.map(
    (path) => named.get(path) ?? { path, option: path, where: 'read by the application', isValue: false },
  );
}
