/** Events in the format of CADF (DSP0262), as keystonemiddleware.audit makes them of a request. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { environ, remoteOf, targetMask } from 'portico/app';
import { ignoreErrors, isObject } from 'portico/extension';
import type {} from 'portico/middleware';
import type { AuditMap } from './audit-map.js';

const UNKNOWN = 'unknown';
const masked = targetMask([]);

/**
 * Returns the event of a request that has passed the filters before this one; its body may have its action. `path`: as the application sees
 * it.
 */
export function newEvent(req: IncomingMessage, path: string, map: AuditMap) {
  const { identity, requestId, globalRequestId } = environ(req);
  const { 'user-agent': agent, 'x-identity-status': status } = req.headers;
  // Without a caller, a client may have written it: that one is confirmed is not believed.
  const unconfirmed = status === 'Invalid' ? status : UNKNOWN;
  return {
    typeURI: 'http://schemas.dmtf.org/cloud/audit/1.0/event',
    eventType: 'activity',
    id: randomUUID(),
    eventTime: timestamp(),
    outcome: 'pending',
    initiator: {
      typeURI: 'service/security/account/user',
      id: identity?.userId ?? UNKNOWN,
      name: identity?.userName ?? UNKNOWN,
      host: { address: remoteOf(req).address, ...(agent !== undefined && { agent }) },
      credential: {
        token: maskedToken(String(req.headers['x-auth-token'] ?? '')),
        identity_status: identity === undefined ? unconfirmed : 'Confirmed',
      },
      project_id: identity?.projectId ?? UNKNOWN,
      ...(requestId !== undefined && { request_id: requestId }),
      ...(globalRequestId !== undefined && { global_request_id: globalRequestId }),
    },
    target: targetOf(req, path, map),
    observer: { id: 'target' },
    requestPath: masked(urlOf(req)),
    tags: [`correlation_id?value=${randomUUID()}`],
  };
}

/** Returns the response's part of an event. `status`: undefined without a response. */
export function outcomeOf(status: number | undefined) {
  return {
    outcome: status === undefined ? UNKNOWN : status >= 200 && status < 400 ? 'success' : 'failure',
    ...(status !== undefined && { reason: { reasonType: 'HTTP', reasonCode: String(status) } }),
    reporterchain: [{ role: 'modifier', reporter: { id: 'target' }, reporterTime: timestamp() }],
  };
}

const ACTIONS: Readonly<Record<string, string>> = { PUT: 'update', PATCH: 'update', DELETE: 'delete', HEAD: 'read' };

/** Returns the action of a request; undefined if its body has it, as of a `POST` to `…/action`. */
export function actionOf(method: string, path: string, { actions, keywords }: AuditMap): string | undefined {
  const segments = segmentsOf(path);
  const ending = segments.at(-1) || segments.at(-2) || '';
  const own = actions.get(`${ending}/${method.toLowerCase()}`) ?? actions.get(ending);
  if (own !== undefined) return own;
  if (method === 'POST') return ending === 'action' ? undefined : keywords.has(ending) ? 'create' : 'update';
  if (method === 'GET') return keywords.has(ending) ? 'read/list' : 'read';
  return ACTIONS[method] ?? UNKNOWN;
}

/** Returns the action that the value of a body names by its first member: `update/reboot`. */
export function actionInBody(value: unknown): string {
  const [name] = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
  return name === undefined ? 'create' : `update/${name}`;
}

/** A service in a catalog of Keystone's version 2, with the first of its endpoints. */
interface Service {
  readonly type: string;
  readonly name: unknown;
  readonly endpoint: Readonly<Record<string, unknown>>;
}

/** Returns the services of the caller's token. Without a token, a client may have written the header. */
function catalogOf(req: IncomingMessage): Service[] {
  const { 'x-service-catalog': header } = req.headers;
  if (environ(req).tokenInfo === undefined || header === undefined) return [];
  const all = ignoreErrors(() => JSON.parse(String(header)) as unknown);
  if (!Array.isArray(all)) return [];
  return all.flatMap((service: unknown) => {
    if (!isObject(service) || typeof service.type !== 'string') return [];
    const { type, name, endpoints } = service;
    const endpoint: unknown = Array.isArray(endpoints) ? endpoints[0] : undefined;
    return isObject(endpoint) ? [{ type, name, endpoint }] : [];
  });
}

function targetOf(req: IncomingMessage, path: string, { services, keywords, defaultType }: AuditMap) {
  const catalog = catalogOf(req);
  const { host = '', scheme } = remoteOf(req);
  const hasPort = /:\d+$/.test(host) && !host.endsWith(scheme === 'https' ? ':443' : ':80');
  const isHere = ({ endpoint: { adminURL, publicURL } }: Service): boolean =>
    [adminURL, publicURL].some((url) => typeof url === 'string' && url.split('/')[2] === host);
  const service = (hasPort ? catalog.find(isHere) : undefined) ?? catalog.findLast(({ type }) => type === defaultType);
  if (service === undefined) return { typeURI: UNKNOWN, id: UNKNOWN, name: UNKNOWN };
  const { type, name, endpoint } = service;
  const { id = name, adminURL, internalURL, publicURL } = endpoint;
  const cadf = services.get(type) ?? UNKNOWN;
  // `/servers/server/metadata/metadata` of `/v2/servers/17/metadata/x`.
  const kinds = segmentsOf(path).map((each, at, segments) => {
    const member = keywords.get(segments[at - 1] ?? '');
    return keywords.has(each) ? `/${each}` : member === undefined ? '' : `/${member}`;
  });
  const addresses = Object.entries({ admin: adminURL, private: internalURL, public: publicURL });
  return {
    typeURI: cadf === UNKNOWN ? cadf : cadf + kinds.join(''),
    id,
    name,
    addresses: addresses.map(([each, url = UNKNOWN]) => ({ name: each, url })),
  };
}

function urlOf(req: IncomingMessage): string {
  return environ(req).scriptName + (req.url ?? '/');
}

function segmentsOf(path: string): string[] {
  return path.split('/').map((segment) => segment.replace(/\.json$/, ''));
}

/** Returns an eighth of a token at its begin and its end, as pycadf, which shows a token of four characters whole. */
function maskedToken(token: string): string {
  const eighth = token.length / 8;
  // Python rounds halves to even numbers.
  const count = Math.min(32, eighth % 2 === 0.5 ? Math.floor(eighth) : Math.round(eighth));
  return `${token.slice(0, count)} xxxxxxxx ${token.slice(token.length - count)}`;
}

function timestamp(): string {
  return new Date().toISOString().replace('Z', '000+0000');
}
