/**
 * Where in the application an error was thrown, for those who have to mend it.
 */
import { fileURLToPath } from 'node:url';
import { isOwnFile } from '../process/index.js';

/** `file:line:column` of the innermost frame that is not Node's, a dependency's or Portico's; undefined without one. */
export function thrownAt(error: unknown): string | undefined {
  if (!(error instanceof Error) || typeof error.stack !== 'string') return undefined;
  for (const line of error.stack.split('\n')) {
    const [, file, position] = /^\s+at (?:.*\()?(.+?):(\d+:\d+)\)?$/.exec(line) ?? [];
    if (file === undefined || !/^(?:file:|\/|[A-Za-z]:[\\/])/.test(file)) continue;
    const path = file.startsWith('file:') ? fileURLToPath(file.replace(/[?#].*$/s, '')) : file;
    if (isOwnFile(path) || /[\\/]node_modules[\\/]/.test(path)) continue;
    return `${path}:${position}`;
  }
  return undefined;
}
