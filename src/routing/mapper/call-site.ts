/**
 * Where in the application a call was made: the place an error about a route points at.
 */
import { dirname, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Origin } from '../../errors.js';

/** The place, worked out when it is asked for: reading a stack is dear, and most places are never shown. */
export type CallSite = () => Origin | undefined;

/** The room's folder: a call from any of its files is no call of the application's. */
const OWN_FOLDER = `${dirname(dirname(fileURLToPath(import.meta.url)))}${sep}`;

/** The place of the nearest call from outside this folder. */
export function callSite(): CallSite {
  const trace = new Error('call site');
  return () => {
    for (const line of (trace.stack ?? '').split('\n').slice(1)) {
      const found = /(?:\()?((?:file:\/\/)?\/[^()]+?|[A-Za-z]:\\[^()]+?):(\d+):(\d+)\)?$/.exec(line);
      if (found === null) continue;
      const file = found[1]!.startsWith('file:') ? fileURLToPath(found[1]!) : found[1]!;
      if (!file.startsWith(OWN_FOLDER)) return { file, line: Number(found[2]), column: Number(found[3]) };
    }
    return undefined;
  };
}
