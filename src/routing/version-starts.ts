/** The versions of an API at which an action, a schema or a status of it changes. */
import { ApiVersion, type VersionRange } from './api-version.js';
import type { BuiltRouter } from './built-router.js';
import type { OperationVariant } from './operation.js';

/** Returns the first version that a router serves, and each later one at which something changes, in ascending order. Empty without versions. */
export function versionStarts(router: BuiltRouter): readonly ApiVersion[] {
  const { versions } = router.documented;
  if (versions === undefined) return [];
  const served = { from: ApiVersion.of(versions.min), to: ApiVersion.of(versions.max) };
  const variants = router.operations.flatMap((operation) => operation.variants);
  const starts = new Map([[served.from.text, served.from]]);
  for (const { from, to } of variants.flatMap(rangesOf)) {
    const next = to === null ? null : new ApiVersion(to.major, to.minor + 1);
    for (const start of [from, next]) if (start?.within(served) === true) starts.set(start.text, start);
  }
  return [...starts.values()].sort((a, b) => a.compare(b));
}

function rangesOf({ range, params, query, headers, body, statuses }: OperationVariant): readonly VersionRange[] {
  const bodies = body.flatMap(({ schemas = [] }) => schemas);
  return [range, ...[params, query, headers, bodies, statuses].flat().map((each) => each.range)];
}
