/**
 * Suggestions for the name of a file that is not there.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ignoreErrors, nearestNames } from '../errors/index.js';

/** How many files are listed where none has a near name. */
const LISTED = 3;

/**
 * `Did you mean "cert.pem"?`: the file beside a missing one whose name comes nearest to it. If none does, those that
 * end in `ending`, without `others`, which are something else. Of a link that leads nowhere, its target. Undefined where
 * there is nothing to offer.
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
    // A folder that cannot be read has nothing to offer.
    return undefined;
  }
}
