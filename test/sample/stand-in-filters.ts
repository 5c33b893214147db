/** Filters of the shipped paste file, as far as the sample needs them: until `portico/middleware` has them. */
import { randomUUID } from 'node:crypto';
import { type App, asFault, environ, type Filter, RequestContext, renderFault } from 'portico/app';

const pass = (): Filter => (app) => app;

export { pass as cors, pass as proxyHeaders, pass as requestLog, pass as sizelimit };

export const catchErrors = (): Filter => (app) => async (req, res) => {
  try {
    await app(req, res);
  } catch (error) {
    renderFault(req, res, asFault(error), 'openstack');
  }
};

export const requestId = (): Filter => (app) => (req, res) => {
  const id = `req-${randomUUID()}`;
  environ(req).requestId = id;
  res.setHeader('x-openstack-request-id', id);
  res.setHeader('x-compute-request-id', id);
  return app(req, res);
};

export const noauth = (): Filter => (app) => (req, res) => {
  const token = req.headers['x-auth-token'];
  if (typeof token !== 'string') {
    res.writeHead(204).end();
    return;
  }
  const [userId = '', projectId = userId] = token.split(':');
  environ(req).context = new RequestContext({ userId, projectId, isAdmin: userId === 'admin' });
  return app(req, res);
};

export const healthcheck = (): App => (_req, res) => {
  res.end('OK');
};
