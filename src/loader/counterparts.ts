/**
 * Counterparts of the factories that paste files of Python services name: the built-in aliases, the loss where one does less, the
 * replacements that `check` proposes for other names, and sentences about functions that an application writes itself.
 */
import { FILTERS } from '../filters.js';
import { parseReference } from './parse-reference.js';
import type { Kind } from './section.js';

/** From, to, for `egg:` the protocol, and what is lost. */
export type AliasRow = readonly [
  from: string,
  target: string,
  protocol?: string | undefined,
  lost?: string | undefined,
];

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
    'keystone.contrib.access:AccessLogMiddleware.factory',
    'keystone.contrib.access.core:AccessLogMiddleware.factory',
  ],
  [`${MIDDLEWARE}:computeRequestId`, 'nova.api.compute_req_id:ComputeReqIdMiddleware.factory'],
  [`${MIDDLEWARE}:requestId`, 'cinder.api.middleware.request_id:RequestId.factory'],
  [
    `${MIDDLEWARE}:authToken`,
    'keystonemiddleware.auth_token:filter_factory',
    'keystoneclient.middleware.auth_token:filter_factory',
    'keystone.middleware.auth_token:filter_factory',
    'heat.common.auth_token:filter_factory',
  ],
  [`${MIDDLEWARE}:debug`, 'keystone.common.wsgi:Debug.factory'],
  [
    `${MIDDLEWARE}:sizelimit`,
    'keystone.middleware:RequestBodySizeLimiter.factory',
    'keystone.middleware.core:RequestBodySizeLimiter.factory',
  ],
  // A Router reads JSON, and the server normalizes paths.
  [
    `${MIDDLEWARE}:passThrough`,
    'keystone.middleware:JsonBodyMiddleware.factory',
    'keystone.middleware:NormalizingFilter.factory',
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
];

const PROFILED = 'requests are not profiled: node --cpu-prof profiles a process';
const TRACED = 'requests have no profile of osprofiler; traces are those of OpenTelemetry';
const REPORTED = 'errors are not sent to another service: they are in the log';
const XML = 'bodies in XML get 415: a Router reads JSON';

/** Functions without a full counterpart: what is lost, the replacement, and their names. None of them decides who may do what. */
const LESS: readonly (readonly [lost: string, target: string, ...python: string[]])[] = [
  [
    TRACED,
    'passThrough',
    'egg:osprofiler#osprofiler',
    'egg:keystone#osprofiler',
    'osprofiler.web:WsgiMiddleware.factory',
    ...['nova.profiler', 'aodh.profiler'].map((module) => `${module}:WsgiMiddleware.factory`),
    ...['cyborg', 'designate', 'magnum', 'masakari', 'watcher', 'zun'].map(
      (project) => `${project}.common.profiler:WsgiMiddleware.factory`,
    ),
  ],
  [PROFILED, 'passThrough', 'egg:keas.profile#profiler', 'egg:repoze.profile', 'egg:repoze.profile#profile'],
  [PROFILED, 'passThrough', 'egg:linesman#profiler', ...swift('xprofile')],
  [REPORTED, 'passThrough', 'egg:raven#raven', 'egg:appenlight_client'],
  ['other filters find no client of memcached in the request', 'passThrough', ...swift('memcache'), ...swift('cache')],
  ['/recon is not served: api-cli status and /metrics have the figures', 'passThrough', ...swift('recon')],
  ['responses have no X-Trans-Id: the filter request_id sends an id', 'catchErrors', ...swift('catch_errors')],
  ['GET /crossdomain.xml is not served', 'passThrough', ...swift('crossdomain')],
  ['its limits are not read: write them as rules of rate_limit', 'rateLimit', ...swift('ratelimit')],
  [
    'it removes the headers that strip_request and strip_response name, and none of swift by itself',
    'gatekeeper',
    ...swift('gatekeeper'),
  ],
  ['forbidden_chars and forbidden_regexp are not read', 'nameCheck', ...swift('name_check')],
  [
    'the token of [DEFAULT] admin_token is refused as any other',
    'passThrough',
    'egg:keystone#admin_token_auth',
    'keystone.middleware:AdminTokenAuthMiddleware.factory',
    'keystone.middleware.core:AdminTokenAuthMiddleware.factory',
  ],
  [
    XML,
    'passThrough',
    'egg:keystone#xml_body',
    'egg:keystone#xml_body_v2',
    'egg:keystone#xml_body_v3',
    ...['', 'V2', 'V3'].map((version) => `keystone.middleware:XmlBodyMiddleware${version}.factory`),
  ],
  [
    'the counts of keystone are not kept: /metrics has those of requests',
    'passThrough',
    'egg:keystone#stats_monitoring',
    'keystone.contrib.stats:StatsMiddleware.factory',
    'keystone.contrib.stats.core:StatsMiddleware.factory',
  ],
  [
    'clients of API v2 get the versions and the errors of v2.1',
    'passThrough',
    'nova.api.openstack:LegacyV2CompatibleWrapper.factory',
  ],
];

/** Returns the names of a filter of swift. */
function swift(name: string): string[] {
  return [`egg:swift#${name}`, `swift.common.middleware.${name}:filter_factory`];
}

/** Returns the row of a filter, of an entry point too. */
function filterRow(from: string, target: string, lost?: string): AliasRow {
  const protocol = from.startsWith('egg:') ? FILTER : undefined;
  return [from, `${MIDDLEWARE}:${target}`, protocol, lost];
}

/** Filters of other projects that have a counterpart. */
const FILTERS_OF_OTHERS: readonly (readonly [target: string, ...python: string[]])[] = [
  ['healthcheckFilter', ...swift('healthcheck')],
  ['requestLog', ...swift('proxy_logging'), 'egg:keystone#access_log'],
  ['readOnly', ...swift('read_only')],
  ['sizelimit', 'egg:keystone#sizelimit'],
  ['requestId', 'egg:keystone#request_id'],
  ['cors', 'egg:keystone#cors'],
  ['proxyHeaders', 'egg:keystone#http_proxy_to_wsgi'],
  ['debug', 'egg:keystone#debug'],
  ['passThrough', 'egg:keystone#json_body', 'egg:keystone#url_normalize'],
  ['catchErrors', 'egg:Paste#evalerror', 'egg:Paste#httpexceptions', 'egg:WebError'],
  ['catchErrors', 'egg:WebError#weberror', 'egg:WebError#evalerror'],
];

/** The built-in aliases. */
export const BUILTIN: readonly AliasRow[] = [
  ['egg:Paste#urlmap', `${LOADER}:urlmap`, COMPOSITE],
  ['paste.urlmap:urlmap_factory', `${LOADER}:urlmap`],
  ['egg:Paste#cascade', `${LOADER}:cascade`, COMPOSITE],
  ['egg:rutter#urlmap', `${LOADER}:urlmap`, COMPOSITE],
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
    // The module of the first versions has a dot.
    ...['oslo_middleware', 'oslo.middleware'].flatMap((module) =>
      classes.map((python): AliasRow => {
        const name = python.startsWith(':') ? python : `.${python}`;
        return [`${module}${name}.factory`, `${MIDDLEWARE}:${target}`];
      }),
    ),
  ]),
  ['oslo_middleware.cors:filter_factory', `${MIDDLEWARE}:cors`],
  ['egg:oslo.middleware#healthcheck', `${MIDDLEWARE}:healthcheck`, APP],
  ['oslo_middleware:Healthcheck.app_factory', `${MIDDLEWARE}:healthcheck`],
  ['oslo_middleware.healthcheck:Healthcheck.app_factory', `${MIDDLEWARE}:healthcheck`],
  ['egg:keystonemiddleware#auth_token', `${MIDDLEWARE}:authToken`, FILTER],
  ...FILTERS_OF_OTHERS.flatMap(([target, ...python]) => python.map((from) => filterRow(from, target))),
  ...LESS.flatMap(([lost, target, ...python]) => python.map((from) => filterRow(from, target, lost))),
];

// Proposals for other names: the replacement by the name that OpenStack's projects give to such a function.

/** A pattern for the attribute, the text after the colon, and the export. */
const BY_ATTRIBUTE: readonly (readonly [name: RegExp, target: string])[] = [
  [/^FaultWrap/i, 'portico/middleware:catchErrors'],
  [/^RequestLog/i, 'portico/middleware:requestLog'],
  [/^(?:NoAuth|UnauthenticatedContext)/i, 'portico/middleware:noauth'],
  [/^AuthToken/i, 'portico/middleware:authToken'],
  [/Context(?:Middleware)?\b/, 'portico/middleware:context'],
  [/^(?:RequestId|.*ReqIdMiddleware)/i, 'portico/middleware:requestId'],
  [/^RequestBodySizeLimiter/, 'portico/middleware:sizelimit'],
  [/^HTTPProxyToWSGI/, 'portico/middleware:proxyHeaders'],
  [/^Debug\b/, 'portico/middleware:debug'],
  [/^Gzip/i, 'portico/middleware:compression'],
  [/^RateLimit/i, 'portico/middleware:rateLimit'],
  [/^WsgiMiddleware/, 'portico/middleware:passThrough'],
  [/^(?:auth_)?pipeline_factory/, 'portico/loader:byOption'],
  [/^(?:urlmap_factory|versioned_urlmap)$/, 'portico/loader:versionedUrlmap'],
  [/^root_app_factory$/, 'portico/loader:urlmap'],
];

/** Filters under other names than their own, and those that the list lacks. */
const BY_NAME: ReadonlyMap<string, string> = new Map([
  ['accesslog', 'requestLog'],
  ['authtoken', 'authToken'],
  ['evalerror', 'catchErrors'],
  ['faultwrap', 'catchErrors'],
  ['gzip', 'compression'],
  ['healthcheck', 'healthcheckFilter'],
  ['httpproxytowsgi', 'proxyHeaders'],
  ['osprofiler', 'passThrough'],
  ['prefix', 'pathPrefix'],
  ['proxylogging', 'requestLog'],
  ['ratelimit', 'rateLimit'],
  // Of an extension, which has the reference as an alias.
  ['session', 'session'],
  ['translogger', 'requestLog'],
]);

/** Exports that are no filters by themselves, or need code. */
const NO_FILTERS: ReadonlySet<string> = new Set([
  'computeRequestId',
  'connect',
  'echo',
  'fastifyPlugin',
  'signToken',
  'stripIdentity',
  'ValidatorUnavailable',
]);

/** Returns the filter that corresponds to a name such as `proxy_logging`. */
function filterNamed(name: string): string | undefined {
  const bare = (text: string): string => text.replaceAll(/[-_]/g, '').toLowerCase();
  const wanted = bare(name);
  const known = BY_NAME.get(wanted) ?? Object.keys(FILTERS).find((each) => bare(each) === wanted);
  return known === undefined || NO_FILTERS.has(known) ? undefined : `${MIDDLEWARE}:${known}`;
}

/**
 * Returns the export that corresponds to `module:attribute`, by the attribute's name, or for one such as `filter_factory` by the module's;
 * undefined if none is known.
 */
export function counterpartOf(expression: string): string | undefined {
  const colon = expression.indexOf(':');
  const attribute = expression.slice(colon + 1);
  const known = BY_ATTRIBUTE.find(([name]) => name.test(attribute))?.[1];
  if (known !== undefined || !attribute.startsWith('filter_factory')) return known;
  return filterNamed(expression.slice(expression.lastIndexOf('.', colon) + 1, colon));
}

/** Returns the export that corresponds to an entry point, by its name; undefined if none is known. */
export function counterpartOfEntry(kind: Kind, name: string): string | undefined {
  if (kind === 'filter') return filterNamed(name);
  return kind === 'app' && /^(?:urlmap|cascade)$/.test(name) ? `${LOADER}:${name}` : undefined;
}

/** Functions of services that have no counterpart: an application writes them, or leaves them out. */
const OWN: readonly (readonly [name: RegExp, about: string])[] = [
  [
    /^egg:swift#(?:tempauth|keystoneauth)$/,
    'It decides who may do what: a pipeline without it lets everybody do everything.',
  ],
  [/^egg:swift#(?:proxy|account|container|object)$/, 'It is a server of swift.'],
  [/^egg:swift3?#/, 'It is a part of the API of swift: without it, its requests reach the application as others.'],
  [/^(?:nova\.api\.ec2|ec2api\.)/, 'It is a part of the EC2 API.'],
  [/^(?:egg:keystone#|keystone\.(?:contrib|service|server|middleware))/, 'It is a part of keystone itself.'],
  [/^glance\.api\.middleware\./, 'It is a part of the API of glance.'],
  [/^neutron\.api\.extensions:/, 'Its routes are those of the application.'],
  [/^egg:repoze\.who#/, 'It finds the caller: auth_token, jwt, basic_auth and session do that here.'],
];

/** Returns what is known of a function without a counterpart; undefined if nothing is. */
export function aboutFunction(reference: string): string | undefined {
  const { form } = parseReference(reference);
  const name = form === 'call' ? reference.slice('call:'.length) : reference;
  return OWN.find(([each]) => each.test(name))?.[1];
}
