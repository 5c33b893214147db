/**
 * Paths that the user of a service has to read. `DynamicUser=` makes one who is in no group and owns none of them.
 */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Diagnostic } from '../../errors/index.js';

/** Warnings of files and directories that are closed to others, each once. */
export function unreadable(paths: readonly string[]): Pick<Diagnostic, 'message' | 'hint'>[] {
  const closed = new Map(paths.flatMap((path) => closedPart(path) ?? []).map((part) => [part.path, part]));
  return [...closed.values()].map(({ path, mode, isDirectory }) => ({
    message: `the user of the service may not ${isDirectory ? 'enter' : 'read'} ${path}: its mode is ${mode.toString(8).padStart(4, '0')}`,
    hint: `Run chmod o+${isDirectory ? 'x' : 'r'} on it. Or, to keep it closed, write User= and Group= of an account that may read it instead of DynamicUser=yes.`,
  }));
}

interface Part {
  readonly path: string;
  readonly mode: number;
  readonly isDirectory: boolean;
}

/** The first directory on the way to a path, or the path itself, that is closed to others. */
function closedPart(path: string): Part | undefined {
  const above = dirname(path);
  const closedAbove = above === path ? undefined : closedPart(above);
  if (closedAbove !== undefined) return closedAbove;
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const isDirectory = found.isDirectory();
  const isOpen = (found.mode & (isDirectory ? 0o001 : 0o004)) !== 0;
  return isOpen ? undefined : { path, mode: found.mode & 0o7777, isDirectory };
}
