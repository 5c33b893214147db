/**
 * Where in the application a call was made: the place an error about a route points at.
 */
import { fileURLToPath } from 'node:url';
import type { Origin } from '../../errors/index.js';
import { isOwnFile } from '../../process/index.js';

/** The place, worked out when it is asked for: reading a stack is dear, and most places are never shown. */
export type CallSite = () => Origin | undefined;

/** The place of the nearest call that is the application's. */
export function callSite(): CallSite {
  const trace = new Error('call site');
  return () => {
    for (const line of (trace.stack ?? '').split('\n').slice(1)) {
      const found = /(?:\()?((?:file:\/\/)?\/[^()]+?|[A-Za-z]:\\[^()]+?):(\d+):(\d+)\)?$/.exec(line);
      if (found === null) continue;
      const file = found[1]!.startsWith('file:') ? fileURLToPath(found[1]!) : found[1]!;
      if (!isOwnFile(file)) return { file, line: Number(found[2]), column: Number(found[3]) };
    }
    return undefined;
  };
}
