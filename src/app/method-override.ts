/**
 * Method override: a query field or form field `_method` that selects another method for matching.
 */

import type { IncomingMessage } from 'node:http';

/** What a request is looked at for. */
export interface OverrideSource {
  readonly method: string;
  /** Without the question mark. */
  readonly query: string;
  readonly contentType?: string | undefined;
  /** The body, where it was read. */
  readonly form?: string | undefined;
}

/**
 * The method to match with: `_method` of the query, whatever the method; else that of a form sent with POST. The form
 * is not looked at when the query has the text `_method` anywhere. Empty values are ignored.
 */
export function overriddenMethod({ method, query, contentType = '', form = '' }: OverrideSource): string {
  if (query.includes('_method')) return lastField(query) || method;
  const isForm = contentType.split(';', 1)[0]!.trim().toLowerCase() === 'application/x-www-form-urlencoded';
  return (method === 'POST' && isForm && lastField(form)) || method;
}

function lastField(encoded: string): string {
  return (new URLSearchParams(encoded).getAll('_method').at(-1) ?? '').toUpperCase();
}

/**
 * The methods a request may be served by: its own, and that of a `_method` in its query, for a Router further in may match
 * with it. Who lets only some methods pass, or counts some, looks at all of them.
 */
export function methodsOf(req: IncomingMessage): readonly string[] {
  const { method = 'GET', url = '' } = req;
  const query = url.indexOf('?');
  const other = query < 0 ? method : overriddenMethod({ method, query: url.slice(query + 1) });
  return other === method ? [method] : [method, other];
}
