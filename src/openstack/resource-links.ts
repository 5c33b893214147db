/**
 * Links of a resource to itself, as OpenStack's APIs give them.
 */
import type { ActionRequest, UrlValues } from '../routing/index.js';

/** Any request, whatever its parameters, body and query. */
type AnyRequest = Pick<ActionRequest, 'url' | 'environ'>;

/** A link in an answer. */
export interface ResourceLink {
  readonly rel: string;
  readonly href: string;
}

/** `self`, the absolute URL of the named route, and `bookmark`, the one without the version. */
export function resourceLinks(request: AnyRequest, route: string, values: UrlValues): ResourceLink[] {
  const self = request.url(route, values);
  return [
    { rel: 'self', href: self },
    { rel: 'bookmark', href: withoutPrefix(request, self) },
  ];
}

/** The URL of the named route without the prefix the app is mounted at (`/v2.1`): one that outlives versions. */
export function bookmarkUrl(request: AnyRequest, route: string, values: UrlValues): string {
  return withoutPrefix(request, request.url(route, values));
}

function withoutPrefix(request: AnyRequest, url: string): string {
  return url.replace(`${request.environ.scriptName}/`, '/');
}
