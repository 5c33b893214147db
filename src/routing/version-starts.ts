/** The versions of an API at which an action, a schema or a status of it changes. */
import { INPUT_PARTS, type RangedOptions } from './actions/action.js';
import { type ByVersion, schemasByVersion, statusesByVersion } from './actions/by-version.js';
import { writtenTypes } from './actions/taken-types.js';
import { ApiVersion, readRange, type VersionRange } from './api-version.js';
import type { BuiltRouter } from './built-router.js';

/** Returns the first version that a router serves, and each later one at which something changes, in ascending order. Empty without versions. */
export function versionStarts(router: BuiltRouter): readonly ApiVersion[] {
  const { versions } = router.documented;
  if (versions === undefined) return [];
  const served = { from: ApiVersion.of(versions.min), to: ApiVersion.of(versions.max) };
  const methods = router.routes.flatMap((route) => router.operationSource(route)?.methods ?? []);
  const starts = new Map([[served.from.text, served.from]]);
  for (const { from, to } of methods.flatMap(rangesOf)) {
    const next = to === null ? null : new ApiVersion(to.major, to.minor + 1);
    for (const start of [from, next]) if (start?.within(served) === true) starts.set(start.text, start);
  }
  return [...starts.values()].sort((a, b) => a.compare(b));
}

function rangesOf(method: RangedOptions): readonly VersionRange[] {
  const { body, status, versions } = method;
  const ranged = (some: readonly ByVersion<unknown>[]): readonly VersionRange[] => some.map(({ range }) => range);
  const bodies =
    body === undefined ? [] : writtenTypes(body).flatMap(({ schemas }) => ranged(schemasByVersion(schemas)));
  const inputs = INPUT_PARTS.flatMap((part) => (part === 'body' ? [] : ranged(schemasByVersion(method[part]))));
  return [readRange(versions), ...bodies, ...inputs, ...ranged(statusesByVersion(status))];
}
