/**
 * Portico's own filters, one by one: a paste file that names six of them does not load the other forty.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The door whose exports each have a file of their own beside it, named after them. */
const DOOR = 'portico/middleware';

/**
 * The module that has this one export of a specifier, as a URL: `portico/middleware` and `requestId` give
 * `…/middleware/request-id.js`. `url` is what the specifier leads to. Undefined where that is not the Portico that is
 * running, or where the file has another name; then the whole door is imported, whose exports are the same objects.
 */
export function ownExport(specifier: string, url: string, name: string): string | undefined {
  if (specifier !== DOOR || !/^[a-z]\w*$/i.test(name)) return undefined;
  const door = new URL('../middleware/index.js', import.meta.url);
  if (url !== DOOR && url !== door.href) return undefined;
  const file = new URL(`./${kebabCase(name.replace(/(?<=.)Filter$/, ''))}.js`, door);
  return existsSync(fileURLToPath(file)) ? file.href : undefined;
}

function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
