/**
 * Links of a resource to itself, as OpenStack's APIs give them.
 */
import type { ActionRequest } from '../actions/action-request.js';
import type { UrlValues } from './url-builder.js';

/** Any request, whatever its parameters, body and query. */
type AnyRequest = Pick<ActionRequest, 'url' | 'environ'>;

/** A link in an answer. */
export interface ResourceLink {
  readonly rel: string;
  readonly href: string;
}

/** `self`, the absolute URL of the named route, and `bookmark`, the one without the version. */
export function resourceLinks(request: AnyRequest, route: string, values: UrlValues): ResourceLink[] {
  return [
    { rel: 'self', href: request.url(route, values) },
    { rel: 'bookmark', href: bookmarkUrl(request, route, values) },
  ];
}

/** The URL of the named route without the prefix the app is mounted at (`/v2.1`): one that outlives versions. */
export function bookmarkUrl(request: AnyRequest, route: string, values: UrlValues): string {
  return request.url(route, values).replace(`${request.environ.scriptName}/`, '/');
}
