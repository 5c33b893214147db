/**
 * Options of a route whose template gives its variables types.
 */

import { BUILT_IN_TYPES, type ParamType, parseParam } from '../template/param-types.js';
import type { Match, MatchRequest } from './conditions.js';
import type { RouteOptions } from './route.js';

/** The options with requirements, a condition and a filter that the types ask for. */
export function withTypes(options: RouteOptions, types: ReadonlyMap<string, ParamType>): RouteOptions {
  if (types.size === 0) return options;
  const requirements = { ...options.requirements };
  for (const [name, { regex }] of types) requirements[name] = regex;
  const builtIn = new Set<ParamType>(Object.values(BUILT_IN_TYPES) as ParamType[]);
  // What the expression of a built-in type takes always parses, so only others have to be asked.
  const asked = [...types].filter(([, type]) => !builtIn.has(type));
  return {
    ...options,
    requirements,
    _filter: (values) => printed(options._filter?.(values) ?? values, types),
    ...(asked.length === 0 ? {} : { conditions: { ...options.conditions, function: parses(options, asked) } }),
  };
}

function parses(options: RouteOptions, types: readonly (readonly [string, ParamType])[]) {
  const inner = options.conditions?.function;
  return (request: MatchRequest | null, match: Match): unknown => {
    for (const [name, type] of types) {
      const text = match[name];
      if (typeof text === 'string' && parseParam(type, text) === undefined) return false;
    }
    return inner === undefined || inner(request, match);
  };
}

function printed(
  values: Readonly<Record<string, unknown>>,
  types: ReadonlyMap<string, ParamType>,
): Record<string, unknown> {
  const result = { ...values };
  for (const [name, { print = String }] of types) {
    const value = result[name];
    if (value !== undefined && value !== null && typeof value !== 'string') result[name] = print(value);
  }
  return result;
}
