/**
 * Paths of Fastify's form, `/items/:id`, for predictions: Fastify itself finds the route of a request.
 */
import { ignoreErrors } from '../../errors/index.js';

/** A parameter (`:id`, `:id(\\d+)`), an escaped colon, a wildcard, or a character with a meaning in expressions. */
const PART = /::|:(?<name>\w+)(?<regex>\((?:[^()\\]|\\.|\([^()]*\))*\))?|\*|[.+^${}()|[\]\\?]/g;

/** Reports whether a path has the form of a route's URL. */
export function takesPath(url: string, path: string): boolean {
  // Keeps an escaped slash, as Fastify does.
  const decoded = ignoreErrors(() => decodeURI(path)) ?? path;
  return formsOf(url).some((form) => ignoreErrors(() => expressionOf(form).test(decoded)) === true);
}

/** Sorts URLs that take the same path: text precedes parameters, and parameters precede wildcards. */
export function byPrecedence(a: string, b: string): number {
  return shapeOf(a) < shapeOf(b) ? -1 : 1;
}

/** Returns 0 for text, 1 for a parameter with an expression or with text after it, 2 for another parameter, 3 for a wildcard. */
function shapeOf(url: string): string {
  return url.replaceAll(/::|:\w+(?<more>\(|[^/(]|)|\*|./gs, (part, more?: string) => {
    if (part === '*') return '3';
    if (part === '::' || more === undefined) return '0';
    return more === '' ? '2' : '1';
  });
}

/** Returns a URL with and without its optional parameter. */
function formsOf(url: string): readonly string[] {
  const optional = /(\/:[^/()]*?)\?(\/?)/;
  return optional.test(url) ? [url.replace(optional, '$1$2'), url.replace(optional, '$2')] : [url];
}

function expressionOf(url: string): RegExp {
  const source = url.replaceAll(PART, (part, name?: string, regex?: string) => {
    if (name !== undefined) return regex === undefined ? '[^/]*?' : `(?:${regex.slice(1, -1).replace(/^\^|\$$/g, '')})`;
    if (part === '::') return ':';
    return part === '*' ? '.*' : `\\${part}`;
  });
  return new RegExp(`^${source}$`, 's');
}
