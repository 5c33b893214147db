/**
 * Converts a match into path variables, and into arguments from these and the route's defaults.
 */

import { type CompiledRoute, type Found, Table } from '../matching/compiled-route.js';
import { type ParamType, parseParam } from '../route/param-types.js';
import { isTruthy } from '../route/route.js';

const NOT_ARGUMENTS: ReadonlySet<string> = new Set(['controller', 'action', 'format']);

/** Reads the values of one route. */
export class ParamReader {
  readonly #compiled: CompiledRoute;
  readonly #types: ReadonlyMap<string, ParamType>;
  /** True if the template gives a variable a type. */
  readonly hasTypes: boolean;
  /** Variables with a default text. */
  readonly #fallbacks: readonly (readonly [name: string, text: string])[];
  /** True if there are any. */
  readonly hasFallbacks: boolean;
  /** Arguments besides the variables. */
  readonly #defaults: readonly (readonly [string, unknown])[];
  /** True if there are arguments besides the variables, or variables that are not arguments. */
  readonly hasOwnArgs: boolean;

  constructor(compiled: CompiledRoute, types: ReadonlyMap<string, ParamType> = new Map()) {
    const { names, route, conditional } = compiled;
    this.#compiled = compiled;
    this.#types = types;
    this.hasTypes = types.size > 0;
    this.#fallbacks = names.flatMap((name) => {
      const fallback = route.defaults.get(name);
      return typeof fallback === 'string' && isTruthy(fallback) ? [[name, fallback] as const] : [];
    });
    this.hasFallbacks = this.#fallbacks.length > 0;
    this.#defaults = [...route.defaults].filter(([name]) => !names.includes(name) && !NOT_ARGUMENTS.has(name));
    this.hasOwnArgs = conditional || this.#defaults.length > 0 || names.some((name) => NOT_ARGUMENTS.has(name));
  }

  /** Returns the path's variables as text, if {@link hasFallbacks}; else they are those that were captured. */
  texts({ captured }: Found): Record<string, string> {
    const params: Record<string, string> = Object.assign(new Table(), captured);
    for (const [name, text] of this.#fallbacks) params[name] ||= text;
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
    return captured.format ?? null;
  }
}
