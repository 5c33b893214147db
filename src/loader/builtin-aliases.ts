/**
 * What Portico has in the place of the Python factories that paste files of OpenStack services name.
 */

const LOADER = 'portico/loader';
const MIDDLEWARE = 'portico/middleware';
const APP = 'paste.app_factory';
const FILTER = 'paste.filter_factory';
const COMPOSITE = 'paste.composite_factory';

/** Filters of oslo.middleware: entry point, export, and the Python classes they are. */
const OSLO: readonly (readonly [entry: string, target: string, ...python: string[]])[] = [
  ['request_id', 'requestId', 'request_id:RequestId', ':RequestId'],
  ['correlation_id', 'correlationId', 'correlation_id:CorrelationId', ':CorrelationId'],
  ['sizelimit', 'sizelimit', 'sizelimit:RequestBodySizeLimiter', ':RequestBodySizeLimiter'],
  ['cors', 'cors', 'cors:CORS', ':CORS'],
  ['http_proxy_to_wsgi', 'proxyHeaders', 'http_proxy_to_wsgi:HTTPProxyToWSGI', ':HTTPProxyToWSGI'],
  ['catch_errors', 'catchErrors', 'catch_errors:CatchErrors', ':CatchErrors'],
  ['stats', 'stats', 'stats:StatsMiddleware', ':StatsMiddleware'],
  ['basic_auth', 'basicAuth', 'basic_auth:BasicAuthMiddleware', ':BasicAuthMiddleware'],
  ['debug', 'debug', 'debug:Debug', ':Debug'],
  ['healthcheck', 'healthcheckFilter', 'healthcheck:Healthcheck', ':Healthcheck'],
];

/** From, to, and after `egg:` the protocols. */
export type AliasRow = readonly [from: string, to: string, ...protocols: string[]];

/** The built-in aliases. An entry point may stand twice: as an app and as a filter. */
export const BUILTIN_ALIASES: readonly AliasRow[] = [
  ['egg:Paste#urlmap', `${LOADER}:urlmap`, COMPOSITE],
  ['paste.urlmap:urlmap_factory', `${LOADER}:urlmap`],
  ['egg:Paste#cascade', `${LOADER}:cascade`, COMPOSITE],
  ['paste.cascade:make_cascade', `${LOADER}:cascade`],
  ['nova.api.openstack.urlmap:urlmap_factory', `${LOADER}:versionedUrlmap`],
  ['nova.api.auth:pipeline_factory', `${LOADER}:byOption`],
  ['nova.api.auth:pipeline_factory_v21', `${LOADER}:byOption`],
  ['neutron.auth:pipeline_factory', `${LOADER}:byOption`],
  ['egg:Paste#translogger', `${MIDDLEWARE}:requestLog`, FILTER],
  ['egg:Paste#gzip', `${MIDDLEWARE}:compression`, FILTER],
  ['egg:Paste#static', `${MIDDLEWARE}:staticFiles`, APP],
  ['egg:PasteDeploy#prefix', `${MIDDLEWARE}:pathPrefix`, FILTER],
  ['paste.deploy.config:make_prefix_middleware', `${MIDDLEWARE}:pathPrefix`],
  ['egg:PasteDeploy#config', `${MIDDLEWARE}:requestConfig`, FILTER],
  ...OSLO.flatMap(([entry, target, ...classes]): AliasRow[] => [
    [`egg:oslo.middleware#${entry}`, `${MIDDLEWARE}:${target}`, FILTER],
    ...classes.map((python): AliasRow => {
      const name = python.startsWith(':') ? python : `.${python}`;
      return [`oslo_middleware${name}.factory`, `${MIDDLEWARE}:${target}`];
    }),
  ]),
  ['oslo_middleware.cors:filter_factory', `${MIDDLEWARE}:cors`],
  ['egg:oslo.middleware#healthcheck', `${MIDDLEWARE}:healthcheck`, APP],
  ['oslo_middleware:Healthcheck.app_factory', `${MIDDLEWARE}:healthcheck`],
  ['oslo_middleware.healthcheck:Healthcheck.app_factory', `${MIDDLEWARE}:healthcheck`],
  ['keystonemiddleware.auth_token:filter_factory', `${MIDDLEWARE}:authToken`],
  ['egg:keystonemiddleware#auth_token', `${MIDDLEWARE}:authToken`, FILTER],
];
