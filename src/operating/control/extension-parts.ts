/** Parts of the status that extensions tell. */
import { errorText, whatItIs } from '../../errors/index.js';
import type { StatusPart } from '../../service/index.js';
import { loadedExtensionsOf } from '../../service/internal.js';
import { within } from '../../tasks/internal.js';
import type { Controlled } from './controlled.js';

/** The part of one extension. */
export interface ExtensionPart {
  readonly name: string;
  readonly lines: readonly string[];
  readonly data?: unknown;
}

/** Longest wait for one of them. */
const LIMIT_MS = 2000;

/** Returns the parts of all extensions with something to tell. Never rejects: an error of one is its line. */
export async function extensionParts({ config }: Pick<Controlled, 'config'>): Promise<readonly ExtensionPart[]> {
  // Shipped ones have no part yet.
  const told = loadedExtensionsOf(config) ?? [];
  const parts = told.map(async ({ name, status }): Promise<readonly ExtensionPart[]> => {
    if (status === undefined) return [];
    try {
      const late = (): never => {
        throw new Error(`no response in ${LIMIT_MS / 1000} s`);
      };
      const part = await within(
        status().then((each) => statusOf(each).status(config)),
        LIMIT_MS,
        late,
      );
      return part === undefined ? [] : [checked(name, part)];
    } catch (error) {
      return [{ name, lines: [`its status is unknown: ${errorText(error)}`] }];
    }
  });
  return (await Promise.all(parts)).flat();
}

/** Returns the code of a part, which may be of any package. Throws a `TypeError` if it has no `status()`. */
export function statusOf(part: Partial<StatusPart> | undefined): StatusPart {
  if (typeof part?.status === 'function') return part as StatusPart;
  throw new TypeError('its module has no status(): it exports async function status(config) { … }');
}

/** Returns a part as JSON can show it: the code may be of any package. Throws if it has no lines, or its data has no JSON. */
function checked(name: string, part: Partial<Omit<ExtensionPart, 'name'>> | null): ExtensionPart {
  const { lines, data } = part ?? {};
  if (!Array.isArray(lines)) throw new TypeError(`its lines are ${whatItIs(lines)}, not a list of texts`);
  const json = JSON.stringify(data);
  return { name, lines: lines.map(String), ...(json !== undefined && { data: JSON.parse(json) as unknown }) };
}
