/**
 * Links that another user made: who may write to a directory could choose by one which file of ours is written.
 */
import { lstatSync } from 'node:fs';

/** Throws where `path` is a symbolic link that belongs to neither this user nor root. Windows has no such users. */
export function refuseForeignLink(path: string): void {
  const user = process.geteuid?.();
  const link = lstatSync(path, { throwIfNoEntry: false });
  if (user === undefined || link?.isSymbolicLink() !== true || link.uid === user || link.uid === 0) return;
  throw new Error(`${path} is a link, and of another user (${link.uid})`);
}
