/**
 * Who ends the process: for listeners of "exit" that have to explain an end nobody expected.
 */
import { fileURLToPath } from 'node:url';
import { isOwnFile } from './own-files.js';

/** How many frames are looked at: a call of `process.exit` may stand deep in a library. */
const FRAMES = 100;

/**
 * Where the call of `process.exit` stands that is under way, as `file:line:column`, seen from a listener of "exit", which
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
