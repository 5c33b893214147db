/** The modules of a program that this process has loaded, without those of packages and of Portico. */
import { statSync } from 'node:fs';
import { Session } from 'node:inspector';
import { fileURLToPath } from 'node:url';

/** The path of a file, without the query of its import, and V8's hash of the text that was loaded. */
export type ProgramFile = readonly [file: string, hash: string];

/** Enough characters of the hash to distinguish two texts. */
const HASH_CHARACTERS = 16;

/** Returns the files loaded so far, sorted by path. V8 hashes all scripts for it: 35 to 50 ms in a worker. */
export function programFiles(): ProgramFile[] {
  // The query may differ at each start.
  const hashes = new Map(programScripts().map(([url, hash]) => [fileURLToPath(url), hash.slice(0, HASH_CHARACTERS)]));
  return [...hashes].sort(([one], [other]) => (one < other ? -1 : 1));
}

/** Returns the paths of these files. */
export function programPaths(): string[] {
  return [...new Set(programScripts().map(([url]) => fileURLToPath(url)))];
}

/** Returns the files that were written after the process started, which still runs their old text. */
export function changedProgramFiles(): string[] {
  const start = performance.timeOrigin;
  return programPaths().filter((path) => writtenAt(path) > start);
}

/** Returns the modification time in milliseconds; 0 if the file is gone or no longer accessible. */
function writtenAt(path: string): number {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

/**
 * Lists the scripts by the inspector, the only interface of Node that reports ECMAScript modules. Empty if the inspector is not
 * available.
 */
function programScripts(): (readonly [url: string, hash: string])[] {
  const found = new Map<string, string>();
  const session = new Session();
  try {
    session.connect();
    session.on('Debugger.scriptParsed', ({ params: { url, hash } }) => {
      if (url.startsWith('file:') && !isLibrary(fileURLToPath(url))) found.set(url, hash);
    });
    // Reports all scripts before it returns; the debugger is off again when the session ends.
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

// Portico's own files: those that it starts as programs and threads, and those that are never reported as the place of an error or of an
// exit.

/** The directory of Portico's files, both compiled and published. */
const ROOT = new URL('../', import.meta.url);

/** The directory of Portico's files in stack traces with `--enable-source-maps`. */
const SOURCES = new URL('../src/', ROOT);

const OWN = [ROOT, SOURCES].map((folder) => fileURLToPath(folder));

/** The sample is an application like any other: its errors are reported at their place in it. */
const SAMPLE = OWN.map((folder) => `${folder}sample/`);

/** Returns the URL of a file of the package; `path` is relative to `src`, and ends in `.js` for a program or thread. */
export function ownFile(path: string): URL {
  return new URL(path, ROOT);
}

/** Reports whether a file is Portico's. Errors in such a file are reported at the place that called it. */
export function isOwnFile(path: string): boolean {
  return startsWithOne(path, OWN) && !startsWithOne(path, SAMPLE);
}

function startsWithOne(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path.startsWith(folder));
}

/** The number of stack frames to search, because `process.exit` may be called deep in a library. */
const FRAMES = 100;

/**
 * Returns the place of the current `process.exit` call, as `file:line:column`. Call it in a listener of "exit", which Node runs within
 * that call. Undefined if the process ends by itself or Portico ends it.
 */
export function exitPlace(): string | undefined {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = FRAMES;
  const { stack = '' } = new Error('exit');
  Error.stackTraceLimit = stackTraceLimit;
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  const node = frames.findIndex((line) => line.includes('node:internal/process'));
  const caller = node < 0 ? undefined : frames.slice(node).find((line) => !/\(node:|at node:/.test(line));
  const [, url, position] = /\(?(?:async )?((?:file:\/\/|\/|[A-Za-z]:\\)\S*?)(:\d+:\d+)\)?$/.exec(caller ?? '') ?? [];
  if (url === undefined) return undefined;
  const path = url.startsWith('file:') ? fileURLToPath(url) : url;
  return isOwnFile(path) ? undefined : `${path}${position}`;
}

// Makes errors whose stacks have another number of frames than `Error.stackTraceLimit`.

/** Calls a function that makes an error; its stack has at most this many frames. Without any, an error takes a tenth of the time. */
export function withFrames<T>(count: number, make: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = count;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
