/**
 * URLs from values: which route, and the URL it gives, exactly as Routes chooses.
 */

import { isTruthy, type Route } from '../mapper/route.js';
import { generatePath, type Values } from './generate-path.js';

/** How a generator is made. */
export interface GeneratorOptions {
  readonly explicit: boolean;
  readonly appendSlash: boolean;
  /** Put in front of every path. */
  readonly prefix: string;
}

/** Chooses among the routes of a table, in the order of definition. */
export class Generator {
  readonly #routes: readonly Route[];
  readonly #options: GeneratorOptions;
  readonly #controllers: ReadonlySet<unknown>;
  readonly #actions: ReadonlySet<unknown>;

  constructor(routes: readonly Route[], options: GeneratorOptions) {
    this.#routes = routes;
    this.#options = options;
    this.#controllers = new Set(routes.flatMap((route) => route.defaults.get('controller') ?? []));
    this.#actions = new Set(routes.flatMap((route) => route.defaults.get('action') ?? []));
  }

  /**
   * The URL of `route`, or of the first candidate that takes the values; null when none does. Keys beginning with an
   * underscore have no meaning here.
   */
  generate(requested: Values, scriptName: string, route: Route | null): string | null {
    const values = new Map(requested);
    if (!this.#options.explicit) {
      if (!values.has('controller')) values.set('controller', 'content');
      if (!values.has('action')) values.set('action', 'index');
    }
    for (const candidate of route === null ? this.#candidates(values) : [route]) {
      if (!agreesWithHardcoded(candidate, values)) continue;
      const path = generatePath(candidate, values, this.#options.appendSlash);
      if (path === null || path === '') continue;
      const prefixed = this.#options.prefix + path;
      return candidate.absolute || candidate.isExternal ? prefixed : scriptName + prefixed;
    }
    return null;
  }

  /** Routes with the controller and action asked for, or with any, that have all they need; the best fit first. */
  #candidates(values: Values): Route[] {
    const keys = new Set(values.keys());
    // Routes counts its own switch as a key, so with it no set of keys is ever exact.
    if (this.#options.appendSlash) keys.add('_append_slash');
    const controller = values.get('controller');
    const action = values.get('action');
    const pool = this.#controllers.has(controller)
      ? this.#routes.filter((route) => takes(route, 'controller', controller))
      : this.#routes.filter((route) => !route.hardcoded.includes('controller'));
    const knownAction = this.#actions.has(action) && pool.some((route) => takes(route, 'action', action));
    return pool
      .filter((route) => (knownAction ? takes(route, 'action', action) : !route.hardcoded.includes('action')))
      .filter((route) => [...route.minKeys].every((key) => keys.has(key) || route.variables.get(key)?.type === '.'))
      .sort((a, b) => compareFit(a.maxKeys, b.maxKeys, keys));
  }
}

function takes(route: Route, key: string, value: unknown): boolean {
  return !route.hardcoded.includes(key) || route.defaults.get(key) === value;
}

/** As Routes compares: given values must equal hard-coded ones as they are, so the number 5 is not the text 5. */
function agreesWithHardcoded(route: Route, values: Values): boolean {
  return route.hardcoded.every((key) => {
    const value = values.get(key);
    const wanted = route.defaults.get(key);
    return !isTruthy(value) || value === wanted || typeof wanted === 'function';
  });
}

/**
 * Negative when `a` fits better: exactly the keys asked for; fewest keys that differ; most in common; fewest at all.
 * A step that finds `b` better goes on to the next instead of saying so, as Routes' comparison does. That is no order,
 * but the same comparison in the same (stable, merging) sort makes the same moves.
 */
function compareFit(a: ReadonlySet<string>, b: ReadonlySet<string>, keys: ReadonlySet<string>): number {
  const commonA = countCommon(a, keys);
  const commonB = countCommon(b, keys);
  const differingA = a.size + keys.size - 2 * commonA;
  const differingB = b.size + keys.size - 2 * commonB;
  if (differingA === 0 || differingB === 0) return differingA === 0 && differingB !== 0 ? -1 : 0;
  if (differingA < differingB) return -1;
  if (commonA === commonB) return a.size < b.size ? -1 : 0;
  return commonB < commonA ? -1 : 0;
}

function countCommon(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let count = 0;
  for (const key of a) if (b.has(key)) count++;
  return count;
}
