/** The cause of a refused access: a folder that this user may not enter. */
import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';

/** Returns the outermost folder on the way to an absolute path that this user may not enter; undefined if there is none. */
export function closedFolder(path: string): string | undefined {
  const folder = dirname(path);
  const outer = folder === path ? undefined : closedFolder(folder);
  if (outer !== undefined || folder === path) return outer;
  try {
    accessSync(folder, constants.X_OK);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? folder : undefined;
  }
}
