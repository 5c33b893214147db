/**
 * The catalog of services in the form that `X-Service-Catalog` has: that of version 2 of the Identity API, which services read.
 */
import { isObject } from '../../errors/index.js';

/** A service of a catalog, version 2: the addresses of a region together, `publicURL`, `internalURL`, `adminURL`. */
interface Service {
  readonly type?: unknown;
  readonly name?: unknown;
  readonly endpoints: readonly Readonly<Record<string, unknown>>[];
}

/** A catalog of version 3 as one of version 2. Services that are there already in that form stay; what is no service is left out. */
export function catalogOfVersion2(catalog: readonly unknown[]): Service[] {
  return catalog.filter(isObject).map(({ type, name, endpoints }) => {
    const regions = new Map<unknown, Record<string, unknown>>();
    const kept: Record<string, unknown>[] = [];
    for (const endpoint of Array.isArray(endpoints) ? endpoints.filter(isObject) : []) {
      const { interface: which, region, url } = endpoint;
      if (typeof which !== 'string') {
        kept.push({ ...endpoint });
        continue;
      }
      const known = regions.get(region) ?? (typeof region === 'string' && region !== '' ? { region } : {});
      known[`${which.toLowerCase()}URL`] = url;
      regions.set(region, known);
    }
    return { type, ...(name === undefined ? {} : { name }), endpoints: [...regions.values(), ...kept] };
  });
}
