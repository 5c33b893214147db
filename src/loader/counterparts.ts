/**
 * The shipped factories that do the work of a factory in Python, by the name that OpenStack's projects give to such factories.
 */

/** A pattern of the attribute, behind the last dot of the module and its colon, and the export. */
const COUNTERPARTS: readonly (readonly [name: RegExp, target: string])[] = [
  [/^FaultWrap/i, 'portico/middleware:catchErrors'],
  [/^RequestLog/i, 'portico/middleware:requestLog'],
  [/^(?:NoAuth|UnauthenticatedContext)/i, 'portico/middleware:noauth'],
  [/^AuthToken/i, 'portico/middleware:authToken'],
  [/Context(?:Middleware)?\b/, 'portico/middleware:context'],
  [/^(?:RequestId|.*ReqIdMiddleware)/i, 'portico/middleware:requestId'],
  [/^RequestBodySizeLimiter/, 'portico/middleware:sizelimit'],
  [/^HTTPProxyToWSGI/, 'portico/middleware:proxyHeaders'],
  [/^Gzip/i, 'portico/middleware:compression'],
  [/^RateLimit/i, 'portico/middleware:rateLimit'],
  [/^WsgiMiddleware/, 'portico/middleware:passThrough'],
  [/^(?:auth_)?pipeline_factory/, 'portico/loader:byOption'],
  [/^(?:urlmap_factory|versioned_urlmap)$/, 'portico/loader:versionedUrlmap'],
  [/^root_app_factory$/, 'portico/loader:urlmap'],
];

/** The export that does what `module:attribute` is called after; undefined where none is known. */
export function counterpartOf(expression: string): string | undefined {
  const attribute = expression.slice(expression.indexOf(':') + 1);
  return COUNTERPARTS.find(([name]) => name.test(attribute))?.[1];
}
