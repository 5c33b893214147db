// The functions of nova's seven filters, written once. Each framework's contestant calls them where its users would.
//
//   1 request id      a new id for each request, and the caller's id if it has the right form
//   2 proxy headers   removed, because no proxy is trusted; if a proxy on this machine is trusted, they determine address,
//                     scheme and host
//   3 size limit      no body above 112 KiB
//   4 noauth          the token names user and project; identity headers of the client are removed; the request's
//                     context is immutable and available to all code that the request starts
//   5 catch errors    every error becomes a JSON response (each framework has a hook for this)
//   6 request log     one line with thirteen facts after the response, discarded unless the work writes its log
//   7 url map         everything is below /v2.1 (each framework has a feature for this)
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import { pino, stdTimeFunctions } from 'pino';
import { logLevel, trustsProxy } from './place.mjs';

export const PREFIX = '/v2.1';
export const ID_HEADER = 'x-request-id';
export const tooLarge = { error: { code: 413, title: 'Content Too Large', message: 'The body is too large.' } };
export const failed = { error: { code: 500, title: 'Internal Server Error', message: 'Internal Server Error' } };

const LIMIT = 114_688;
const ID = /^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const LOOPBACK = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);
const FIELDS = ['user-id', 'user-name', 'user-domain-id', 'user-domain-name', 'project-id', 'project-name']
  .concat(['project-domain-id', 'project-domain-name', 'domain-id', 'domain-name', 'roles'])
  .flatMap((field) => [`x-${field}`, `x-service-${field}`]);
const OTHERS = [
  'x-identity-status',
  'x-service-identity-status',
  'x-is-admin-project',
  'x-service-catalog',
  'x-role',
].concat(['openstack-system-scope', 'x-user', 'x-tenant', 'x-tenant-id', 'x-tenant-name', 'x-group-ids']);
const IDENTITY = new Set([...FIELDS, ...OTHERS]);

/** The context of the current request: `current.getStore()`. */
export const current = new AsyncLocalStorage();

/** Written synchronously, as in Portico, because lines would otherwise be lost in a crash. */
const log = pino(
  {
    level: logLevel,
    base: { pid: process.pid, name: 'bench' },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  },
  pino.destination({ fd: 2, sync: true }),
);

export function newRequestId() {
  return `req-${randomUUID()}`;
}

/** Returns the caller's id if it is valid. */
export function globalRequestId(headers) {
  const value = headers[ID_HEADER];
  return value !== undefined && ID.test(value) ? value : undefined;
}

export function dropForwarding(headers) {
  for (const name in headers) {
    if (name === 'forwarded' || name === 'x-real-ip' || name.startsWith('x-forwarded-')) delete headers[name];
  }
}

/** Returns address, scheme and host of a request, from the headers of a trusted proxy. Without one, removes such headers. */
export function remoteOf({ headers, socket }) {
  const { remoteAddress: peer } = socket;
  if (!trustsProxy || !LOOPBACK.has(peer)) {
    dropForwarding(headers);
    return { address: peer, scheme: 'http', host: headers.host };
  }
  const scheme = lastOf(headers['x-forwarded-proto']) ?? 'http';
  if (scheme !== 'http' && scheme !== 'https') throw new Error('the forwarded scheme is neither http nor https');
  const address = lastOf(headers['x-forwarded-for']);
  if (address !== undefined && isIP(address) === 0) throw new Error('the forwarded address is none');
  return { address: address ?? peer, scheme, host: lastOf(headers['x-forwarded-host']) ?? headers.host };
}

function lastOf(field) {
  return field?.includes(',') ? field.slice(field.lastIndexOf(',') + 1).trim() : field;
}

export function isTooLarge(headers) {
  const declared = headers['content-length'];
  return declared !== undefined && Number(declared) > LIMIT;
}

/** Returns the context of the caller; undefined for a request without token. Throws for a request from another machine. */
export function authenticate({ headers, socket }, requestId) {
  if (!LOOPBACK.has(socket.localAddress)) throw new Error('this service accepts local connections only');
  for (const name in headers) if (IDENTITY.has(name)) delete headers[name];
  const token = headers['x-auth-token'];
  if (token === undefined || token === '') return undefined;
  const [userId, projectId = userId] = token.split(':');
  const isAdmin = userId === 'admin';
  const roles = Object.freeze(isAdmin ? ['admin', 'member'] : ['member']);
  const remoteAddress = socket.remoteAddress;
  return Object.freeze({ userId, projectId, roles, isAdmin, requestId, remoteAddress, token });
}

/** Headers of the response to a request without token. */
export const tokenHeaders = { 'x-auth-token': 'admin:admin', 'x-server-management-url': 'http://127.0.0.1:8774/v2.1' };

/** Reports whether requests are logged. If not, no facts are collected, as in Portico. */
export function wantsLines() {
  return log.isLevelEnabled('info');
}

/** Logs a request. */
export function logRequest(req, { remote, target, status, bytes, ms, id, globalId, route, context }) {
  log.info(
    {
      remote: remote?.address ?? req.socket.remoteAddress,
      method: req.method,
      target,
      protocol: `HTTP/${req.httpVersion}`,
      request_id: id,
      global_request_id: globalId ?? '-',
      api_version: '-',
      route: route ?? '-',
      user_id: context?.userId ?? '-',
      project_id: context?.projectId ?? '-',
      status,
      bytes,
      duration_ms: ms,
    },
    'request',
  );
}
