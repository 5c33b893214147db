/**
 * Portico's own files: those that it starts as processes and threads, and those that are never reported as the location of an error or of an
 * exit.
 */
import { fileURLToPath } from 'node:url';

/** The directory of Portico's files, both compiled and published. */
const ROOT = new URL('../', import.meta.url);

/** The directory of Portico's files in stack traces with `--enable-source-maps`. */
const SOURCES = new URL('../src/', ROOT);

const OWN = [ROOT, SOURCES].map((folder) => fileURLToPath(folder));

/** Returns the URL of a file of the package; `path` is relative to `src`, and ends in `.js` for a process or thread. */
export function ownFile(path: string): URL {
  return new URL(path, ROOT);
}

/** Reports whether a file is Portico's. Errors in such a file are reported at the location that called it. */
export function isOwnFile(path: string): boolean {
  return OWN.some((folder) => path.startsWith(folder));
}

/** The number of stack frames to search, because `process.exit` may be called deep in a library. */
const FRAMES = 100;

/**
 * Returns the location of the current `process.exit` call, as `file:line:column`. Call it in a listener of "exit", which Node runs within
 * that call. Undefined if the process ends by itself or Portico ends it.
 */
export function exitLocation(): string | undefined {
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
