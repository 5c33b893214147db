/**
 * Suggestions for the name of a missing file.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ignoreErrors, nearestNames } from '../errors/index.js';

/** Most files in the list if none has a similar name. */
const LISTED = 3;

/**
 * Returns `Did you mean "cert.pem"?` with the most similar name in the folder. If none is similar, lists the files that
 * end in `ending`, without `others`, which have another purpose. For a dangling link, its target. Undefined without a
 * suggestion.
 */
export function missingFileHint(path: string, ending?: string, others: readonly string[] = []): string | undefined {
  const link = ignoreErrors(() => readlinkSync(path));
  if (link !== undefined) return `It is a link to ${link}, where no file is.`;
  const folder = dirname(path);
  try {
    const names = readdirSync(folder).filter((name) => !others.includes(join(folder, name)));
    const [near] = nearestNames(basename(path), names);
    if (near !== undefined) return `Did you mean "${near}"?`;
    const alike = ending === undefined ? [] : names.filter((name) => name.endsWith(ending)).slice(0, LISTED);
    return alike.length === 0 ? undefined : `There is ${alike.join(', ')}.`;
  } catch {
    // An unreadable folder has no suggestions.
    return undefined;
  }
}
