/**
 * Portico's own files: those it starts as programs and threads, and those that are never shown as the place of a mistake or
 * of the end of the process.
 */
import { fileURLToPath } from 'node:url';

/** All of them are below the folder above this one's, as compiled and as published. */
const ROOT = new URL('../', import.meta.url);

/** Directory of Portico's files in stacks under `--enable-source-maps`. */
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

/** How many frames are looked at: a call of `process.exit` may be deep in a library. */
const FRAMES = 100;

/**
 * Place of the call of `process.exit` that is under way, as `file:line:column`, seen from a listener of "exit", which
 * Node calls within that call. Undefined when the process ends by itself, and when Portico ends it.
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
