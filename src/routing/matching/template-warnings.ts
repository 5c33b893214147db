/**
 * Warnings of routes whose template is misleading, and of requirements that take long to match.
 */
import { LONGEST_URL } from '../../app/internal.js';
import { nearestOrAll } from '../../errors/index.js';
import type { Requirements, Route } from '../route/route.js';
import { translateRegex } from '../template/python-regex.js';
import type { RouteWarning } from '../template/template.js';
import type { CompiledRoute } from './compiled-route.js';

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

/** A requirement that is too slow. */
export interface SlowRequirement {
  readonly compiled: CompiledRoute;
  readonly variable: string;
  readonly requirement: string;
  /** Length of the input in characters, and the time it took. */
  readonly length: number;
  readonly milliseconds: number;
}

/** A longer time is too slow. */
const LIMIT_MS = 5;

/**
 * Runs every requirement on repetitive input of increasing length, up to 8 KiB, and stops at the first that takes more than 5 ms: an
 * expression with catastrophic backtracking is found while it is still fast. `now`: a clock in milliseconds.
 */
export function slowRequirements(routes: readonly CompiledRoute[], now: () => number): SlowRequirement[] {
  const measured = new Map<string, Pick<SlowRequirement, 'length' | 'milliseconds'> | null>();
  return routes.flatMap((compiled) => {
    const { requirements, variables } = compiled.route;
    return Object.entries(requirements).flatMap(([variable, requirement]) => {
      if (!measured.has(requirement)) measured.set(requirement, measure(requirement, now));
      const found = measured.get(requirement);
      return found && variables.has(variable) ? [{ compiled, variable, requirement, ...found }] : [];
    });
  });
}

function measure(requirement: string, now: () => number): { length: number; milliseconds: number } | null {
  const regex = new RegExp(`^(?:${translateRegex(requirement).source})$`, 'v');
  for (const unit of repetitiveUnits(requirement)) {
    for (let length = 8; length <= LONGEST_URL; length = length < 32 ? length + 2 : length * 2) {
      const input = `${unit.repeat(Math.ceil(length / unit.length)).slice(0, length)}\u0001`;
      const milliseconds = timeOf(() => regex.test(input), now);
      if (milliseconds > LIMIT_MS) return { length, milliseconds };
    }
  }
  return null;
}

/** Returns the best of three runs if the first is too slow: another process may have interrupted it. */
function timeOf(run: () => void, now: () => number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 3 && best > LIMIT_MS; attempt++) {
    const start = now();
    run();
    best = Math.min(best, now() - start);
  }
  return best;
}

/** Returns texts to repeat: usual characters, and the text in the expression itself. */
function repetitiveUnits(requirement: string): string[] {
  const own = requirement.match(/[A-Za-z0-9_]+/g) ?? [];
  return [...new Set(['a', '0', '-', '.', 'a.', 'ab', 'a-', ' ', ...own.slice(0, 8)])];
}
