/**
 * The files of a program that this process has loaded as modules: its own, without those of packages and of Portico.
 */
import { statSync } from 'node:fs';
import { Session } from 'node:inspector';
import { fileURLToPath } from 'node:url';
import { isOwnFile } from './own-files.js';

/** A file by its path, without the query that it was imported with, and V8's hash of the text that it had then. */
export type ProgramFile = readonly [file: string, hash: string];

/** So many characters tell two texts apart. */
const HASH_CHARACTERS = 16;

/** Those that are loaded by now, in the order of their names. The first call takes some ten milliseconds: V8 hashes all scripts. */
export function programFiles(): ProgramFile[] {
  // A query may be another one at each start.
  const hashes = new Map(programScripts().map(([url, hash]) => [fileURLToPath(url), hash.slice(0, HASH_CHARACTERS)]));
  return [...hashes].sort(([one], [other]) => (one < other ? -1 : 1));
}

/** The paths of these files. */
export function programPaths(): string[] {
  return [...new Set(programScripts().map(([url]) => fileURLToPath(url)))];
}

/** Those of these files that were written after the process started: it still runs their old text. */
export function changedProgramFiles(): string[] {
  const start = performance.timeOrigin;
  return programPaths().filter((path) => writtenAt(path) > start);
}

/** In milliseconds; 0 for a file that is gone, or that this user may not reach any more. */
function writtenAt(path: string): number {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

/** Node tells of modules of ECMAScript by its inspector alone. None where that may not be used. */
function programScripts(): (readonly [url: string, hash: string])[] {
  const found = new Map<string, string>();
  const session = new Session();
  try {
    session.connect();
    session.on('Debugger.scriptParsed', ({ params: { url, hash } }) => {
      if (url.startsWith('file:') && !isLibrary(fileURLToPath(url))) found.set(url, hash);
    });
    // All scripts are told before this returns, and the debugger is off again when the session ends.
    session.post('Debugger.enable');
  } catch {
    return [];
  } finally {
    session.disconnect();
  }
  return [...found];
}

function isLibrary(path: string): boolean {
  return /[/\\]node_modules[/\\]/.test(path) || isOwnFile(path);
}
