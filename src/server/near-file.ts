/**
 * What may have been meant by the name of a file that is not there.
 */
import { readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { nearestNames } from '../errors.js';

/** The file beside a missing one whose name comes nearest to it; undefined where none does. */
export function nearFile(path: string): string | undefined {
  try {
    return nearestNames(basename(path), readdirSync(dirname(path)))[0];
  } catch {
    // A folder that cannot be read has nothing to offer.
    return undefined;
  }
}
