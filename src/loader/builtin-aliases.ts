/** The built-in aliases: for references in the paste files of OpenStack projects. */
import { type AliasRow, type AliasTable, tableOf } from './aliases.js';

const LOADER = 'portico/loader';
const MIDDLEWARE = 'portico/middleware';
const APP = 'paste.app_factory';
const FILTER = 'paste.filter_factory';
const COMPOSITE = 'paste.composite_factory';

/** Filters of oslo.middleware: entry point, export, and the names of the Python class. */
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

/** Equivalents of factories of OpenStack projects. Apps and filters that authorise requests are left to the author. */
const PROJECTS: readonly (readonly [target: string, ...python: string[]])[] = [
  [
    `${LOADER}:versionedUrlmap`,
    'nova.api.openstack.urlmap:urlmap_factory',
    'cinder.api.urlmap:urlmap_factory',
    'manila.api.urlmap:urlmap_factory',
    'masakari.api.urlmap:urlmap_factory',
    'trove.common.wsgi:versioned_urlmap',
  ],
  [`${LOADER}:urlmap`, 'cinder.api:root_app_factory', 'glance.api:root_app_factory', 'manila.api:root_app_factory'],
  [
    `${LOADER}:byOption`,
    'nova.api.auth:pipeline_factory',
    'nova.api.auth:pipeline_factory_v21',
    'neutron.auth:pipeline_factory',
    'cinder.api.auth:pipeline_factory',
    'cinder.api.middleware.auth:pipeline_factory',
    'manila.api.middleware.auth:pipeline_factory',
    'masakari.api.auth:pipeline_factory_v1',
    'designate.api.middleware:auth_pipeline_factory',
  ],
  [
    `${MIDDLEWARE}:catchErrors`,
    'nova.api.openstack:FaultWrapper.factory',
    'cinder.api.middleware.fault:FaultWrapper.factory',
    'manila.api.middleware.fault:FaultWrapper.factory',
    'masakari.api.openstack:FaultWrapper.factory',
    'designate.api.middleware:FaultWrapperMiddleware.factory',
    'murano.api.middleware.fault:FaultWrapper.factory',
    'heat.api.openstack:faultwrap_filter',
    'trove.common.wsgi:FaultWrapper.factory',
  ],
  [
    `${MIDDLEWARE}:requestLog`,
    'nova.api.openstack.requestlog:RequestLog.factory',
    'placement.requestlog:RequestLog.factory',
  ],
  [
    `${MIDDLEWARE}:requestId`,
    'nova.api.compute_req_id:ComputeReqIdMiddleware.factory',
    'cinder.api.middleware.request_id:RequestId.factory',
  ],
  [
    `${MIDDLEWARE}:context`,
    'nova.api.auth:NovaKeystoneContext.factory',
    'neutron.auth:NeutronKeystoneContext.factory',
    'cinder.api.middleware.auth:CinderKeystoneContext.factory',
    'manila.api.middleware.auth:ManilaKeystoneContext.factory',
    'masakari.api.auth:MasakariKeystoneContext.factory',
    'designate.api.middleware:KeystoneContextMiddleware.factory',
    'glance.api.middleware.context:ContextMiddleware.factory',
    'murano.api.middleware.context:ContextMiddleware.factory',
    'heat.common.context:ContextMiddleware_filter_factory',
    'trove.common.wsgi:ContextMiddleware.factory',
  ],
  [
    `${MIDDLEWARE}:noauth`,
    'nova.api.openstack.auth:NoAuthMiddleware.factory',
    'cinder.api.middleware.auth:NoAuthMiddleware.factory',
    'manila.api.middleware.auth:NoAuthMiddleware.factory',
    'masakari.api.auth:NoAuthMiddleware.factory',
    'designate.api.middleware:NoAuthContextMiddleware.factory',
    'glance.api.middleware.context:UnauthenticatedContextMiddleware.factory',
  ],
  [`${MIDDLEWARE}:compression`, 'glance.api.middleware.gzip:GzipMiddleware.factory'],
  [
    `${MIDDLEWARE}:passThrough`,
    'osprofiler.web:WsgiMiddleware.factory',
    'nova.profiler:WsgiMiddleware.factory',
    'aodh.profiler:WsgiMiddleware.factory',
    'designate.common.profiler:WsgiMiddleware.factory',
    'masakari.common.profiler:WsgiMiddleware.factory',
  ],
];

/** The built-in aliases. An entry point may occur twice: as an app and as a filter. */
export const BUILTIN_ALIASES: AliasTable = tableOf([
  ['egg:Paste#urlmap', `${LOADER}:urlmap`, COMPOSITE],
  ['paste.urlmap:urlmap_factory', `${LOADER}:urlmap`],
  ['egg:Paste#cascade', `${LOADER}:cascade`, COMPOSITE],
  ['paste.cascade:make_cascade', `${LOADER}:cascade`],
  ...PROJECTS.flatMap(([target, ...python]): AliasRow[] => python.map((from) => [from, target])),
  ['egg:Paste#cgitb', `${MIDDLEWARE}:catchErrors`, FILTER],
  ['paste.cgitb_catcher:make_cgitb_middleware', `${MIDDLEWARE}:catchErrors`],
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
  ['keystonemiddleware.audit:filter_factory', `${MIDDLEWARE}:passThrough`],
  ['egg:keystonemiddleware#audit', `${MIDDLEWARE}:passThrough`, FILTER],
]);
