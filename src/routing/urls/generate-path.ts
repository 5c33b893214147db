/**
 * One route and a set of values to a URL path with its query, exactly as Routes generates it.
 */
import { acceptsMethod } from '../mapper/conditions.js';
import { isTruthy, type Route } from '../mapper/route.js';
import { pythonText } from '../template/python-text.js';
import { SEPARATORS } from '../template/template.js';

/** Values for a URL, in the order given: what is not in the path becomes the query in that order. */
export type Values = Map<string, unknown>;

/** The path, with a query of the values the route does not use; null when the values do not fit the route. */
export function generatePath(route: Route, requested: Values, appendSlash: boolean): string | null {
  for (const [name, value] of requested) if (!route.satisfies(name, value)) return null;
  const method = requested.get('method');
  // Only these take values away from what is left for the query.
  const values = route.minimize || isTruthy(method) ? new Map(requested) : requested;
  if (isTruthy(method)) {
    if (!acceptsMethod(route.conditions, pythonText(method).toUpperCase())) return null;
    values.delete('method');
  }
  const path = route.minimize ? minimizedPath(route, values) : fullPath(route, values);
  if (path === null) return null;
  const url = path.startsWith('/') || route.isStatic ? path : `/${path}`;
  return (appendSlash && !url.endsWith('/') ? `${url}/` : url) + extraQuery(route, values);
}

const PLAIN = /^[\w.~-]*$/;

/** Percent-encodes as UTF-8; letters, digits, `_.-~` and `/` stay. */
export function quotePath(text: string): string {
  return quote(text).replaceAll('%2F', '/');
}

/** As a form does: a space is `+`; letters, digits and `_.-~` stay. */
function quoteQuery(text: string): string {
  return quote(text).replaceAll('%20', '+');
}

/** Half a surrogate pair has no UTF-8 form; it becomes U+FFFD, for what a client sends must not make this throw. */
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

/** Equal as text; functions only to themselves. */
function sameText(a: unknown, b: unknown): boolean {
  if (typeof a === 'function' || typeof b === 'function') return a === b;
  return pythonText(a) === pythonText(b);
}

/** From the end: trailing values that equal their defaults are left out, with the separators before them. */
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

function extraQuery(route: Route, values: Values): string {
  const fields: string[] = [];
  for (const [key, value] of values) {
    if (route.maxKeys.has(key) || key === 'controller' || key === 'action') continue;
    for (const item of Array.isArray(value) ? (value as unknown[]) : [value]) {
      fields.push(`${quoteQuery(key)}=${quoteQuery(pythonText(item))}`);
    }
  }
  return fields.length === 0 ? '' : `?${fields.join('&')}`;
}
