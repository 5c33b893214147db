/** read_only: refuses requests that can change something. */
import type { IncomingMessage } from 'node:http';
import { environ, Fault, filterFactory, type OpenApiAdditions, requestPath } from '../app/index.js';
import { exchangeOf, methodsOf, unavailable } from '../app/internal.js';
import { boolean, defineOptions, list, type OptionsOf, oneOf } from '../config/index.js';
import { isBelow } from './path-prefix-match.js';

const readOnlyOptions = defineOptions({
  enabled: boolean({ default: false, aliases: ['read_only'], help: 'Refuse writes.' }),
  mode: oneOf(['read_only', 'maintenance'], {
    default: 'read_only',
    help: 'Response to writes: read_only 405 with the allowed methods, maintenance 503 with Retry-After.',
  }),
  allow_deletes: boolean({ default: false, help: 'Allow DELETE.' }),
  exempt_projects: list({ default: [], help: 'Projects that may still write.' }),
  exempt_paths: list({
    default: [],
    help: 'Paths that still accept writes, with all below.',
  }),
});

/** Seconds after which a client may ask again in maintenance. */
const RETRY_AFTER_S = 60;

/** Safe methods (RFC 9110 §9.2.1, and IANA's registry of methods). Any other method can change something. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY', 'REPORT', 'SEARCH']);

/**
 * While enabled, responds to all but safe methods with 405, or 503 in maintenance mode. If `_method` in the query overrides the method, as a
 * Router can do, both methods must be safe.
 */
export const readOnly = filterFactory(
  'read_only',
  readOnlyOptions,
  (options) => (app) => (req, res) => {
    const fault = refusal(options, req);
    if (fault === undefined) return app(req, res);
    const { trial } = exchangeOf(req);
    if (trial?.isCallerAssumed !== true || options.exemptProjects.length === 0) throw fault;
    trial.would(
      `respond with ${fault.status}, unless the caller is of the project ${options.exemptProjects.join(' or ')}`,
    );
    return app(req, res);
  },
  { openapi: openapiOf },
);

type Options = OptionsOf<typeof readOnlyOptions>;

function refusal(options: Options, req: IncomingMessage): Fault | undefined {
  const { enabled, mode, allowDeletes, exemptProjects, exemptPaths } = options;
  const maySend = (method: string): boolean => SAFE.has(method) || (allowDeletes && method === 'DELETE');
  if (!enabled || methodsOf(req).every(maySend)) return undefined;
  const project = environ(req).context?.projectId;
  if (project !== undefined && exemptProjects.includes(project)) return undefined;
  if (exemptPaths.length > 0) {
    const path = requestPath(req);
    if (exemptPaths.some((exempt) => isBelow(path, exempt))) return undefined;
  }
  if (mode === 'maintenance') {
    const message = 'This service is in maintenance and accepts no changes at the moment.';
    return unavailable(message, RETRY_AFTER_S);
  }
  const allow = allowDeletes ? 'DELETE, GET, HEAD, OPTIONS' : 'GET, HEAD, OPTIONS';
  return new Fault(405, { message: 'This service is read-only at the moment.', headers: { allow } });
}

function openapiOf({ enabled, mode }: Options): OpenApiAdditions | undefined {
  const description = 'The service accepts no changes at the moment.';
  return enabled ? { responses: { [mode === 'maintenance' ? 503 : 405]: { description } } } : undefined;
}
