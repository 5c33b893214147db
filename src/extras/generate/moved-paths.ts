/** Paths that an application writes to, where a unit or an image moves them, and the variables that tell the application. */
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { sqlitePath, variableName } from 'portico/extension';
import type { WrittenPath } from 'portico/service';

/** Returns the directory that must be writable: an SQLite database has files beside it. */
export function directoryOf({ kind }: WrittenPath, value: string): string {
  if (kind === 'directory') return resolve(value);
  return dirname(kind === 'database' ? sqlitePath(value) : resolve(value));
}

/** Reports whether a path depends on the working directory. */
export function isRelative({ kind, value }: WrittenPath): boolean {
  return kind === 'database' ? !value.startsWith('sqlite:////') : !isAbsolute(value);
}

/** Returns the value with the same name in another directory. */
export function valueIn({ kind, value }: WrittenPath, directory: string): string {
  if (kind === 'directory') return directory;
  const file = join(directory, value.slice(value.lastIndexOf('/') + 1));
  return kind === 'database' ? `sqlite:///${file}` : file;
}

/** Returns the environment variable that sets an option. */
export const variableOf = ({ group, opt }: Pick<WrittenPath, 'group' | 'opt'>): string =>
  variableName('PORTICO', group, opt);
