/**
 * Paths that the user of a service must be able to read. `DynamicUser=` creates a user without groups who owns none of them.
 */
import { lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Diagnostic } from '../../errors/index.js';

/** A path that a start reads. */
export interface ReadPath {
  readonly path: string;
  /** True if others must not read it. */
  readonly isSecret?: boolean;
  /** True for a directory that is listed. */
  readonly isListed?: boolean;
}

/** Returns warnings of files and directories that others cannot read, each once. */
export function unreadable(paths: readonly ReadPath[]): Pick<Diagnostic, 'message' | 'hint'>[] {
  const closed = new Map<string, Part & { readonly isSecret: boolean }>();
  for (const { path, isSecret = false, isListed = false } of paths) {
    const part = closedPart(path, isListed ? 'list' : 'read');
    if (part === undefined) continue;
    const known = closed.get(part.path);
    closed.set(part.path, { ...(known ?? part), isSecret: isSecret || known?.isSecret === true });
  }
  return [...closed.values()].map(({ path, mode, verb, isSecret }) => ({
    message: `the user of the service may not ${verb} ${path}: its mode is ${mode.toString(8).padStart(4, '0')}`,
    hint: isSecret
      ? `Keep it closed to others, because it protects secrets. Write User= and Group= of an account, not root, that may ${verb} it instead of DynamicUser=yes.`
      : `Run chmod o+${verb === 'enter' ? 'x' : verb === 'list' ? 'rx' : 'r'} on it, unless it protects secrets. Or write User= and Group= of an account that may ${verb} it instead of DynamicUser=yes.`,
  }));
}

interface Part {
  readonly path: string;
  readonly mode: number;
  readonly verb: 'enter' | 'list' | 'read';
}

/** Permissions for others that each access needs. */
const NEEDED = { enter: 0o001, list: 0o005, read: 0o004 };

/** Limit of links in one path on Linux. */
const MAX_LINKS = 40;

/** Returns the first directory on a path, or the path itself, that is closed to others; follows links. */
function closedPart(path: string, how: 'list' | 'read', links = MAX_LINKS): Part | undefined {
  const above = dirname(path);
  const closedAbove = above === path ? undefined : closedPart(above, 'read', links);
  if (closedAbove !== undefined) return closedAbove;
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (found.isSymbolicLink()) {
    return links === 0 ? undefined : closedPart(resolve(realpathSync(above), readlinkSync(path)), how, links - 1);
  }
  const verb = found.isDirectory() && how === 'read' ? 'enter' : how;
  const isOpen = (found.mode & NEEDED[verb]) === NEEDED[verb];
  return isOpen ? undefined : { path: realpathSync(path), mode: found.mode & 0o7777, verb };
}
