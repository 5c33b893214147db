/** The shipped factories that replace a Python factory, by the names that OpenStack projects give to such factories. */

/** A pattern for the attribute, the text after the colon, and the export. */
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

/** Returns the export that corresponds to `module:attribute`, by the attribute's name; undefined if none is known. */
export function counterpartOf(expression: string): string | undefined {
  const attribute = expression.slice(expression.indexOf(':') + 1);
  return COUNTERPARTS.find(([name]) => name.test(attribute))?.[1];
}
