import { nearestOrAll } from '../../errors/index.js';
import type { Requirements, Route } from '../route/route.js';
import type { RouteWarning } from '../template/template.js';

/** Returns the warnings of a table's routes. */
export function warningsOf(routes: readonly Route[]): readonly (RouteWarning & { readonly route: Route })[] {
  // Nova's kinds of mappers add `format` to all requirements.
  const names = new Set(['format', ...routes.flatMap(({ maxKeys }) => [...maxKeys])]);
  const checked = new Set<Requirements>();
  return routes.flatMap((route) => {
    const unused = checked.has(route.requirements) ? [] : requirementWarnings(route, names);
    checked.add(route.requirements);
    const warnings = [...route.notices, ...pathWarnings(route), ...methodWarnings(route), ...unused];
    return warnings.map((warning) => ({ ...warning, route }));
  });
}

/** Returns uses of rules for ported tables: minimization and implicit defaults. */
export function legacyRules(route: Route): string[] {
  const used: string[] = [];
  if (route.minimize) used.push('minimization');
  if (route.options._explicit === false) used.push('implicit defaults');
  return used;
}

function* pathWarnings({ parts }: Route): Iterable<RouteWarning> {
  for (const [index, part] of parts.entries()) {
    const before = parts[index - 1];
    if (typeof part === 'string' || part.name !== 'path_info') continue;
    if (typeof before === 'string' && before.endsWith('/')) continue;
    yield {
      code: 'PORTICO_ROUTE_PATH_INFO',
      message: 'path_info keeps its own slash, so the whole path is added to the script name',
      hint: 'Write /prefix/{path_info:.*}, or mount().',
    };
  }
}

function* methodWarnings({ conditions }: Route): Iterable<RouteWarning> {
  const method = conditions?.method;
  if (method === undefined) return;
  const names = typeof method === 'string' ? [method] : method;
  if (typeof method === 'string' && /[^A-Za-z-]/.test(method)) {
    yield {
      code: 'PORTICO_ROUTE_METHOD_TEXT',
      message: `the methods "${method}" are one string: every substring of it is accepted`,
      hint: `Write [${method
        .split(/[^A-Za-z-]+/)
        .map((name) => `'${name}'`)
        .join(', ')}].`,
    };
  }
  for (const name of names) {
    if (name.toUpperCase() === 'ANY') {
      yield {
        code: 'PORTICO_ROUTE_METHOD_ANY',
        message: `"${name}" is treated as a method name, which no client sends`,
        hint: 'Omit the method to match all methods.',
      };
    } else if (name !== name.toUpperCase()) {
      yield {
        code: 'PORTICO_ROUTE_METHOD_CASE',
        message: `the method "${name}" is compared exactly, and clients never send it`,
        hint: `Write ${name.toUpperCase()}.`,
      };
    }
  }
}

/**
 * Returns requirements for names that no route has. Routes ignores them, and submappers share requirements, so a variable of another route
 * suffices.
 */
function* requirementWarnings(route: Route, names: ReadonlySet<string>): Iterable<RouteWarning> {
  const { requirements, variables, options } = route;
  // A resource has separate warnings.
  if (options._collectionName !== undefined) return;
  for (const name of Object.keys(requirements)) {
    if (names.has(name)) continue;
    yield {
      code: 'PORTICO_ROUTE_IDLE_REQUIREMENT',
      message: `the requirement of "${name}" has no effect, because no route has a variable of that name`,
      hint: nearestOrAll(name, variables.keys(), 'Variables of the route'),
    };
  }
}
