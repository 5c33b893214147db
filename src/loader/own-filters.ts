/** Portico's filters, each in a separate file, so that a paste file with six filters does not load the other forty. */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ignoreErrors } from '../errors/index.js';
import { FILTERS } from '../filters.js';
import type { ExportReference } from '../modules/index.js';
import { ownFile } from '../process/index.js';

const MIDDLEWARE = 'portico/middleware';

/**
 * Returns a function that imports the file with this one export of `portico/middleware`. Undefined if `url` is not in the running Portico,
 * or for a name that it does not export.
 */
export function ownFilter({ module, name }: ExportReference, url: string): (() => Promise<object>) | undefined {
  if (module !== MIDDLEWARE || name === undefined || !Object.hasOwn(FILTERS, name)) return undefined;
  const index = ownFile('middleware/index.js');
  return url === MIDDLEWARE || url === index.href || isLinkTo(index, url) ? FILTERS[name] : undefined;
}

/** Reports whether a URL leads to a file through a link, as with pnpm and workspaces. */
function isLinkTo(file: URL, url: string): boolean {
  return ignoreErrors(() => realpathSync(fileURLToPath(url))) === fileURLToPath(file);
}
