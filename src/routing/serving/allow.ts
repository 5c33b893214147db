/**
 * Which methods a path takes: for 405, and for OPTIONS (RFC 9110 §9.3.7, §15.5.6).
 */
import type { ServerResponse } from 'node:http';
import type { MatchRequest } from '../mapper/conditions.js';
import type { RouteTable } from '../matching/route-table.js';

/** The methods some route takes for a path, sorted; HEAD with GET, and OPTIONS. Empty when no route takes the path. */
export function allowedMethods(table: RouteTable, path: string, request: MatchRequest | null): string[] {
  const any = path === '*';
  // One lookup for all methods, where nothing else decides: most misses are misses for each of them.
  if (!any && request === null && table.find(null, path, null) === null) return [];
  const methods = new Set<string>();
  for (const method of table.methods) {
    const takes = any
      ? table.routes.some(({ route }) => route.conditions?.method?.includes(method) ?? true)
      : table.find(method, path, request === null ? null : { ...request, method }) !== null;
    if (takes) methods.add(method);
  }
  if (methods.size === 0) return [];
  if (methods.has('GET')) methods.add('HEAD');
  return [...methods.add('OPTIONS')].sort();
}

/** 204 with `Allow`. */
export function answerOptions(res: ServerResponse, allowed: readonly string[]): undefined {
  res.statusCode = 204;
  res.setHeader('Allow', allowed.join(', '));
  res.end();
}
