/** read_only: refuses requests that can change something. */
import type { IncomingMessage } from 'node:http';
import { type Description, environ, Fault, filterFactory, methodsOf, requestPath } from '../app/index.js';
import { boolean, defineOptions, integer, list, type OptionsOf, oneOf } from '../config/index.js';
import { isBelow } from './path-prefix-match.js';

const readOnlyOptions = defineOptions({
  enabled: boolean({ default: false, mutable: true, help: 'Refuse writes.' }),
  mode: oneOf(['read_only', 'maintenance'], {
    default: 'read_only',
    mutable: true,
    help: 'How writes are refused: read_only answers 405 with the methods that are still allowed, maintenance answers 503 with Retry-After.',
  }),
  allow_deletes: boolean({ default: false, mutable: true, help: 'Allow DELETE.' }),
  exempt_projects: list({ default: [], mutable: true, help: 'Projects that may still write.' }),
  exempt_paths: list({
    default: [],
    mutable: true,
    help: 'Paths that still accept writes, with everything below them.',
  }),
  retry_after: integer({
    default: 60,
    min: 0,
    mutable: true,
    help: 'Value of Retry-After in maintenance mode, in seconds.',
  }),
});

/** Safe methods (RFC 9110 §9.2.1). Any other method can change something. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/**
 * While enabled, answers all but safe methods with 405, or 503 in maintenance mode. If `_method` in the query overrides the method, as a
 * Router can do, both methods must be safe.
 */
export const readOnly = filterFactory(
  'read_only',
  readOnlyOptions,
  (_options, _ctx, live) => (app) => (req, res) => {
    const { enabled, mode, allowDeletes, exemptProjects, exemptPaths, retryAfter } = live();
    const maySend = (method: string): boolean => SAFE.has(method) || (allowDeletes && method === 'DELETE');
    if (!enabled || methodsOf(req).every(maySend)) return app(req, res);
    const project = environ(req).context?.projectId;
    if (project !== undefined && exemptProjects.includes(project)) return app(req, res);
    if (exemptPaths.length > 0) {
      const path = requestPath(req);
      if (exemptPaths.some((exempt) => isBelow(path, exempt))) return app(req, res);
    }
    if (mode === 'maintenance') {
      const headers = { 'retry-after': String(retryAfter) };
      throw new Fault(503, {
        message: 'This service is in maintenance and accepts no changes at the moment.',
        headers,
      });
    }
    const allow = allowDeletes ? 'DELETE, GET, HEAD, OPTIONS' : 'GET, HEAD, OPTIONS';
    throw new Fault(405, { message: 'This service is read-only at the moment.', headers: { allow } });
  },
  { describe },
);

function describe(options: OptionsOf<typeof readOnlyOptions>, req?: IncomingMessage): Description {
  const { enabled, mode, allowDeletes, exemptProjects, exemptPaths } = options;
  if (!enabled) return { does: 'refuses nothing, because enabled is false' };
  const status = mode === 'maintenance' ? 503 : 405;
  const openapi = { responses: { [status]: { description: 'The service accepts no changes at the moment.' } } };
  const does = `answers ${status} to requests that would change something`;
  if (req === undefined) return { does, answers: 'perhaps', openapi };
  if (methodsOf(req).every((method) => SAFE.has(method) || (allowDeletes && method === 'DELETE'))) {
    return { does: `lets ${req.method} pass` };
  }
  const path = requestPath(req);
  if (exemptPaths.some((exempt) => isBelow(path, exempt)))
    return { does: `lets ${path} pass, which is in exempt_paths` };
  if (exemptProjects.length === 0) return { does, answers: status };
  return { does: `${does}, unless it comes from the project ${exemptProjects.join(', ')}`, answers: 'perhaps' };
}
