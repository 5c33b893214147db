/**
 * Routes that say something else than they seem to.
 */
import type { Route } from '../mapper/route.js';

/** What is odd about a route, in a sentence, and what to write instead. */
export interface RouteWarning {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** Everything odd about a route. */
export function warningsOf(route: Route): RouteWarning[] {
  return [...templateWarnings(route), ...methodWarnings(route)];
}

/** Uses of rules that exist for ported tables only: minimization and implicit defaults. */
export function legacyRules(route: Route): string[] {
  const used: string[] = [];
  if (route.minimize) used.push('minimization');
  if (route.options._explicit === false) used.push('implicit defaults');
  return used;
}

function* templateWarnings({ notices, parts, requirements }: Route): Iterable<RouteWarning> {
  for (const { kind, variable } of notices) {
    if (kind === 'cut-regex') {
      yield {
        code: 'PORTICO_ROUTE_CUT_REGEX',
        message: `the expression of "${variable}" ends at its first "}" or ":" and is only ${requirements[variable]}`,
        hint: `Write requirements: { ${variable}: … }, or \\} and \\x3A within the template.`,
      };
    } else {
      yield {
        code: 'PORTICO_ROUTE_SWALLOWED_DASH',
        message: `the "-" after ":${variable}" ends the name and is not part of the path`,
        hint: `Write {${variable}}-.`,
      };
    }
  }
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
      message: `the methods "${method}" are one text: every part of it is accepted`,
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
        message: `"${name}" is taken for a method of that name, which nobody sends`,
        hint: 'Leave the method out to take all.',
      };
    } else if (name !== name.toUpperCase()) {
      yield {
        code: 'PORTICO_ROUTE_METHOD_CASE',
        message: `the method "${name}" is compared exactly and never sent`,
        hint: `Write ${name.toUpperCase()}.`,
      };
    }
  }
}
