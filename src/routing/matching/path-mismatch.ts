/**
 * Explains why a path that resembles a route does not match it.
 */
import { translateRegex } from '../template/python-regex.js';
import { variablePattern } from '../template/template.js';
import type { CompiledRoute } from './compiled-route.js';
import { shortestParts } from './shortest-parts.js';

/** Returns the reason why a path does not match a route; undefined if it matches, or has an entirely different form. */
export function pathMismatch(compiled: CompiledRoute, path: string): string | undefined {
  if (compiled.takes(path)) return undefined;
  if (path.endsWith('/') && compiled.takes(path.slice(0, -1))) return 'the path has a trailing slash';
  if (compiled.takes(`${path}/`)) return 'the path has no trailing slash';
  return refusedValue(compiled, path);
}

/** Returns the first value that its type or requirement refuses, if the path would match without these. */
function refusedValue({ source, route }: CompiledRoute, path: string): string | undefined {
  const variables = route.parts.filter((part) => typeof part !== 'string');
  if (route.minimize || variables.some(({ type }) => type === '{')) return undefined;
  const values = shortestParts(route.parts, path, 0, path.length, true) ?? [];
  for (const [index, value] of values.entries()) {
    const variable = variables[index]!;
    const pattern = variablePattern(variable, source);
    if (value === undefined || new RegExp(`^(?:${translateRegex(pattern).source})$`, 'v').test(value)) continue;
    return `${variable.name} = ${JSON.stringify(value)} does not match ${route.types.get(variable.name) ?? pattern}`;
  }
  return undefined;
}
