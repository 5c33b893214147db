/**
 * Where Portico's own files are: those it starts as programs and threads, and those that are no place of a mistake.
 */
import { fileURLToPath } from 'node:url';

/** All of them are below the folder above this one's, as compiled and as bundled. */
const ROOT = new URL('../', import.meta.url);

/** The sample is an application like anybody's: what goes wrong in it is shown there. */
const SAMPLE = new URL('./sample/', ROOT);

const OWN = fileURLToPath(ROOT);
const NOT_OWN = fileURLToPath(SAMPLE);

/** One of Portico's files that is run by itself; `path` is relative to `src`, with the ending `.js`. */
export function ownFile(path: string): URL {
  return new URL(path, ROOT);
}

/** Whether a file is Portico's: it leads to the place of a mistake, and is never it. */
export function isOwnFile(path: string): boolean {
  return path.startsWith(OWN) && !path.startsWith(NOT_OWN);
}
