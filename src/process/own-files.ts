/**
 * Portico's own files: those it starts as programs and threads, and those that are never shown as the place of a mistake.
 */
import { fileURLToPath } from 'node:url';

/** All of them are below the folder above this one's, as compiled and as published. */
const ROOT = new URL('../', import.meta.url);

/** What stacks name under `--enable-source-maps`. */
const SOURCES = new URL('../src/', ROOT);

const OWN = [ROOT, SOURCES].map((folder) => fileURLToPath(folder));

/** The sample is an application like any other: what goes wrong in it is shown there. */
const SAMPLE = OWN.map((folder) => `${folder}sample/`);

/** The URL of a file that is run by itself; `path` is relative to `src`, with the ending `.js`. */
export function ownFile(path: string): URL {
  return new URL(path, ROOT);
}

/** Whether a file is Portico's: a mistake is shown at the place that called it. */
export function isOwnFile(path: string): boolean {
  return startsWithOne(path, OWN) && !startsWithOne(path, SAMPLE);
}

function startsWithOne(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path.startsWith(folder));
}
