/**
 * Converts a match into path variables, and into arguments from these and the route's defaults.
 */

import type { CompiledRoute, Found } from '../matching/compiled-route.js';
import { type ParamType, parseParam } from '../route/param-types.js';
import { isTruthy } from '../route/route.js';

const NOT_ARGUMENTS: ReadonlySet<string> = new Set(['controller', 'action', 'format']);

/**
 * A table whose prototype has no members: `__proto__` is a name like others. Not one of `Object.create(null)`, which V8 keeps as a hash
 * table of 200 bytes.
 */
class Table {
  [name: string]: string;
}
Object.setPrototypeOf(Table.prototype, null);
Reflect.deleteProperty(Table.prototype, 'constructor');

/** Reads the values of one route. */
export class ParamReader {
  readonly #compiled: CompiledRoute;
  readonly #types: ReadonlyMap<string, ParamType>;
  /** True if the template gives a variable a type. */
  readonly hasTypes: boolean;
  /** Default text of each variable, if it has one. */
  readonly #fallbacks: readonly (string | undefined)[];
  /** Arguments besides the variables. */
  readonly #defaults: readonly (readonly [string, unknown])[];
  /** True if there are arguments besides the variables, or variables that are not arguments. */
  readonly hasOwnArgs: boolean;

  constructor(compiled: CompiledRoute, types: ReadonlyMap<string, ParamType> = new Map()) {
    const { names, route, conditional } = compiled;
    this.#compiled = compiled;
    this.#types = types;
    this.hasTypes = types.size > 0;
    this.#fallbacks = names.map((name) => {
      const fallback = route.defaults.get(name);
      return typeof fallback === 'string' && isTruthy(fallback) ? fallback : undefined;
    });
    this.#defaults = [...route.defaults].filter(([name]) => !names.includes(name) && !NOT_ARGUMENTS.has(name));
    this.hasOwnArgs = conditional || this.#defaults.length > 0 || names.some((name) => NOT_ARGUMENTS.has(name));
  }

  /** Returns the path's variables as text, without absent optional ones. */
  texts({ captured }: Found): Record<string, string> {
    const { names } = this.#compiled;
    const params = new Table();
    for (let index = 0; index < names.length; index++) {
      const value = captured[index] || (this.#fallbacks[index] ?? captured[index]);
      if (value !== undefined) params[names[index]!] = value;
    }
    return params;
  }

  /** Returns the variables with their types, if {@link hasTypes}. */
  typed(texts: Record<string, string>): Record<string, unknown> {
    const params: Record<string, unknown> = Object.assign(Object.create(null) as Record<string, unknown>, texts);
    for (const [name, type] of this.#types) {
      const text = texts[name];
      if (text !== undefined) params[name] = parseParam(type, text);
    }
    return params;
  }

  /** Returns the match without controller, action and format, if {@link hasOwnArgs}; else the variables are the arguments. */
  args(found: Found, typed: Record<string, unknown>): Readonly<Record<string, unknown>> {
    const args = Object.create(null) as Record<string, unknown>;
    const source = this.#compiled.conditional ? Object.entries(found.match) : this.#defaults;
    for (const [name, value] of source) if (!NOT_ARGUMENTS.has(name)) args[name] = value;
    for (const name of Object.keys(typed)) if (!NOT_ARGUMENTS.has(name)) args[name] = typed[name];
    return args;
  }

  /** Returns the format in the suffix of the path. */
  format({ captured }: Found): string | null {
    const place = this.#compiled.names.indexOf('format');
    return place < 0 ? null : (captured[place] ?? null);
  }
}
