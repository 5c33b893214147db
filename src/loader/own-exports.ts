/**
 * Portico's own filters, one by one: a paste file that names six of them does not load the other forty.
 */
import { readFileSync } from 'node:fs';
import { ownFile } from '../process/index.js';

/** The door whose exports are loaded without the rest of it. */
const DOOR = 'portico/middleware';

/**
 * The module that has this one export of a specifier, as a URL: `portico/middleware` and `jwtAuth` give
 * `…/middleware/auth-token.js`. `url` is what the specifier leads to. Undefined where that is not the Portico that is
 * running, and for a name that the door does not export; then the whole door is imported, whose exports are the same
 * objects, and which says what is missing.
 */
export function ownExport(specifier: string, url: string, name: string): string | undefined {
  if (specifier !== DOOR) return undefined;
  const door = ownFile('middleware/index.js');
  if (url !== DOOR && url !== door.href) return undefined;
  // What the door itself says, and not the names of files: it exports less than they do.
  for (const [, names = '', file = ''] of readFileSync(door, 'utf8').matchAll(/export \{([^}]*)\} from '([^']+)'/g)) {
    if (names.split(',').some((one) => one.trim() === name)) return new URL(file, door).href;
  }
  return undefined;
}
