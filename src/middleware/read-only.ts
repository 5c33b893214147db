/**
 * read_only: refuses what would change something.
 */
import { environ, Fault, filterFactory } from '../app/index.js';
import { boolean, defineOptions, integer, list, oneOf } from '../config/index.js';
import { fullPath, isBelow } from './path-prefix-match.js';

export const readOnlyOptions = defineOptions({
  enabled: boolean({ default: false, mutable: true, help: 'Refuses writes.' }),
  mode: oneOf(['read_only', 'maintenance'], {
    default: 'read_only',
    mutable: true,
    help: 'How: 405 with the methods that are left, or 503 with a time to come back.',
  }),
  allow_deletes: boolean({ default: false, mutable: true, help: 'Lets DELETE pass.' }),
  exempt_projects: list({ default: [], mutable: true, help: 'Projects that may write all the same.' }),
  exempt_paths: list({ default: [], mutable: true, help: 'Paths, and all below them, that may be written to.' }),
  retry_after: integer({ default: 60, min: 0, mutable: true, help: 'In maintenance: when to come back, in seconds.' }),
});

const WRITES: ReadonlySet<string> = new Set(['PUT', 'POST', 'PATCH', 'DELETE']);

/** Answers PUT, POST, PATCH and DELETE with 405, or 503 in maintenance, while it is enabled. */
export const readOnly = filterFactory('read_only', readOnlyOptions, (_options, _ctx, live) => (app) => (req, res) => {
  const { enabled, mode, allowDeletes, exemptProjects, exemptPaths, retryAfter } = live();
  if (!enabled || !WRITES.has(req.method ?? '') || (allowDeletes && req.method === 'DELETE')) return app(req, res);
  const project = environ(req).context?.projectId;
  if (project !== undefined && exemptProjects.includes(project)) return app(req, res);
  if (exemptPaths.some((path) => isBelow(fullPath(req), path))) return app(req, res);
  if (mode === 'maintenance') {
    const headers = { 'retry-after': String(retryAfter) };
    throw new Fault(503, { message: 'This service is in maintenance and accepts no changes at present.', headers });
  }
  const allow = allowDeletes ? 'DELETE, GET, HEAD, OPTIONS' : 'GET, HEAD, OPTIONS';
  throw new Fault(405, { message: 'This service is read-only at present.', headers: { allow } });
});
