/** Converts the service catalog to the form of Identity API v2, which `X-Service-Catalog` has. */
import { isObject } from '../../errors/index.js';

/**
 * Converts a v3 catalog to v2, in which an endpoint has the URLs of a region: `publicURL`, `internalURL`, `adminURL`. Endpoints in v2 form
 * are kept; entries that are not objects are dropped.
 */
export function catalogOfVersion2(catalog: readonly unknown[]): object[] {
  return catalog.filter(isObject).map(({ type, name, endpoints }) => {
    const regions = new Map<unknown, Record<string, unknown>>();
    const kept: Record<string, unknown>[] = [];
    for (const endpoint of Array.isArray(endpoints) ? endpoints.filter(isObject) : []) {
      const { interface: which, region = null, url } = endpoint;
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
