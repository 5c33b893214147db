/**
 * Generates URLs from values: selects the route and builds its URL, exactly as Routes does.
 */

import { acceptsMethod } from '../route/conditions.js';
import { isTruthy, pythonText, type Route } from '../route/route.js';
import { SEPARATORS } from '../template/template.js';

/** Values for a URL, in order: those that are not in the path become the query in that order. */
export type Values = Map<string, unknown>;

/** Source of generated URLs. */
export interface GeneratorTable {
  /** In the order of definition. */
  readonly routes: readonly Route[];
  readonly explicit: boolean;
  readonly appendSlash: boolean;
  /** Prefix of every path. */
  readonly prefix: string;
  /** Values of `controller` and `action` that routes have. Computed once, because every URL needs them. */
  readonly named: Readonly<Record<'controller' | 'action', ReadonlySet<unknown>>>;
}

/** Returns the {@link GeneratorTable.named} of routes. */
export function namedValues(routes: readonly Route[]): GeneratorTable['named'] {
  const valuesOf = (key: string): ReadonlySet<unknown> => new Set(routes.map(({ defaults }) => defaults.get(key)));
  return { controller: valuesOf('controller'), action: valuesOf('action') };
}

/**
 * Returns the URL of `route`, or of the first route that accepts the values; null if there is none. Keys beginning with an underscore have
 * no meaning here.
 */
export function generate(
  table: GeneratorTable,
  route: Route | null,
  wanted: Values,
  scriptName: string,
): string | null {
  const values = new Map(wanted);
  if (!table.explicit) {
    if (!values.has('controller')) values.set('controller', 'content');
    if (!values.has('action')) values.set('action', 'index');
  }
  for (const candidate of route === null ? candidates(table, values) : [route]) {
    if (!agreesWithHardcoded(candidate, values)) continue;
    const path = generatePath(candidate, values, table.appendSlash);
    if (path === null || path === '') continue;
    const prefixed = table.prefix + path;
    return candidate.absolute || candidate.isExternal ? prefixed : scriptName + prefixed;
  }
  return null;
}

/** Returns routes with the requested controller and action, or with any, whose required values are present; best fit first. */
function candidates({ routes, appendSlash, named }: GeneratorTable, values: Values): Route[] {
  const keys = new Set(values.keys());
  // Routes counts its own option as a key, so with it no set of keys is ever exact.
  if (appendSlash) keys.add('_append_slash');
  /** Returns routes with the value of a key if some route names it, else those that leave it open. */
  const agreeing = (pool: readonly Route[], key: 'controller' | 'action'): readonly Route[] => {
    const value = values.get(key) ?? null;
    const isNamed = value !== null && named[key].has(value);
    const taking = isNamed ? pool.filter((route) => takes(route, key, value)) : [];
    return taking.length > 0 ? taking : pool.filter((route) => !route.hardcoded.includes(key));
  };
  return agreeing(agreeing(routes, 'controller'), 'action')
    .filter((route) => [...route.minKeys].every((key) => keys.has(key) || route.variables.get(key)?.type === '.'))
    .sort((a, b) => compareFit(a.maxKeys, b.maxKeys, keys));
}

function takes(route: Route, key: string, value: unknown): boolean {
  return !route.hardcoded.includes(key) || route.defaults.get(key) === value;
}

/** Compares as Routes does: given values must strictly equal hard-coded ones, so the number 5 differs from the text 5. */
function agreesWithHardcoded(route: Route, values: Values): boolean {
  return route.hardcoded.every((key) => {
    const value = values.get(key);
    const wanted = route.defaults.get(key);
    return !isTruthy(value) || value === wanted || typeof wanted === 'function';
  });
}

/**
 * Returns a negative number if `a` fits better: exactly the given keys; fewest differing keys; most common keys; fewest keys. A step that
 * finds `b` better continues with the next, as Routes' comparison does. That is not an order, but the same comparison in the same (stable,
 * merging) sort makes the same moves.
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

/** Returns the path, with a query of the values that the route does not use; null if the values do not fit the route. */
function generatePath(route: Route, requested: Values, appendSlash: boolean): string | null {
  for (const [name, value] of requested) if (!route.satisfies(name, value)) return null;
  const method = requested.get('method');
  // Only these remove values from the query.
  const values = route.minimize || isTruthy(method) ? new Map(requested) : requested;
  if (isTruthy(method)) {
    if (!acceptsMethod(route.conditions, pythonText(method).toUpperCase())) return null;
    values.delete('method');
  }
  const made = route.minimize ? minimizedPath(route, values) : fullPath(route, values);
  if (made === null) return null;
  const path = made.replace(DOT_SEGMENT, NO_TEXT);
  const url = path.startsWith('/') || route.isStatic ? path : `/${path}`;
  const isExtra = (key: string): boolean => !route.maxKeys.has(key) && key !== 'controller' && key !== 'action';
  const extra = [...values].filter(([key]) => isExtra(key));
  return (appendSlash && !url.endsWith('/') ? `${url}/` : url) + queryText(extra, quoteQuery);
}

/** A client takes such a segment, however it is encoded, as a step to another path (RFC 3986 §5.2.4, WHATWG URL §4.5). */
const DOT_SEGMENT = /(?<=^|\/)\.\.?(?=\/|$)/g;

/** U+FFFD, in place of text that no path can have: text from a client must not make the generator throw. */
const NO_TEXT = '%EF%BF%BD';

const PLAIN = /^[\w.~-]*$/;

/** Percent-encodes as UTF-8; letters, digits, `_.-~` and `/` are unchanged. */
export function quotePath(text: string): string {
  return quote(text).replaceAll('%2F', '/');
}

/** Encodes as a form does: a space is `+`; letters, digits and `_.-~` are unchanged. */
function quoteQuery(text: string): string {
  return quote(text).replaceAll('%20', '+');
}

/** Encodes text. Half a surrogate pair has no UTF-8 form; it becomes U+FFFD. */
function quote(text: string): string {
  if (PLAIN.test(text)) return text;
  return encodeURIComponent(text.replace(/\p{Cs}/gu, '\ufffd')).replace(/[!'()*]/g, upperHex);
}

function upperHex(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

function fullPath(route: Route, values: Values): string | null {
  for (const key of route.maxKeys) {
    if (route.minKeys.has(key)) continue;
    if (!values.has(key) || !sameText(values.get(key), route.defaults.get(key))) return null;
  }
  let path = '';
  for (const part of route.parts) {
    if (typeof part === 'string') {
      path += part;
      continue;
    }
    const value = values.get(part.name);
    if (part.type === '.') {
      if (isTruthy(value)) path += quotePath(`.${pythonText(value)}`);
      else if (value !== null && value !== undefined) path += pythonText(value);
    } else {
      if (value === null || value === undefined) return null;
      path += quotePath(pythonText(value));
    }
  }
  return path;
}

/** Compares as text; functions equal only themselves. */
function sameText(a: unknown, b: unknown): boolean {
  if (typeof a === 'function' || typeof b === 'function') return a === b;
  return pythonText(a) === pythonText(b);
}

/** Builds from the end: trailing values that equal their defaults are omitted, with the separators before them. */
function minimizedPath(route: Route, values: Values): string | null {
  const pieces: string[] = [];
  let gap = false;
  for (const part of [...route.parts].reverse()) {
    if (typeof part === 'string') {
      if (!gap && SEPARATORS.includes(part)) continue;
      const bare = !gap && SEPARATORS.includes(part.at(-1)!);
      pieces.push(bare ? part.slice(0, -1) : part);
      gap = true;
      continue;
    }
    const { name, type } = part;
    const isGiven = values.has(name);
    const value = values.get(name);
    if (type === '*') {
      if (value === null || value === undefined) continue;
      pieces.push(quotePath(pythonText(value)));
      gap = true;
      continue;
    }
    const hasDefault = route.defaults.has(name);
    if (!gap && hasDefault && (!isGiven || value === null || sameText(value, route.defaults.get(name)))) continue;
    const used = isGiven ? value : (route.defaults.get(name) ?? null);
    if (!isGiven && used === null) {
      if (type === '.') continue;
      return null;
    }
    pieces.push(quotePath(pythonText(used)));
    if (type === '.') pieces.push('.');
    values.delete(name);
    gap = true;
  }
  return pieces.reverse().join('');
}

/** Returns the query of values, with its question mark; empty without values. A list has a field for each item. */
export function queryText(values: Iterable<readonly [string, unknown]>, quoted: (text: string) => string): string {
  const fields: string[] = [];
  for (const [key, value] of values) {
    for (const item of Array.isArray(value) ? (value as unknown[]) : [value]) {
      fields.push(`${quoted(key)}=${quoted(pythonText(item))}`);
    }
  }
  return fields.length === 0 ? '' : `?${fields.join('&')}`;
}
