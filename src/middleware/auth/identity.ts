/** The identity of a request, and the request headers that carry it, which clients must not send. */
import type { IncomingMessage } from 'node:http';
import type { Identity } from '../../app/index.js';
import { exchangeOf, FIELD, replaceRawHeaders } from '../../app/internal.js';
import { isObject } from '../../errors/index.js';
import { removeHeaders } from '../headers.js';
import type { TokenInfo } from './token-validator.js';

/** The header names after `x-`, and after `x-service-` for a service that acts for the caller. */
const FIELDS = {
  'user-id': 'userId',
  'user-name': 'userName',
  'user-domain-id': 'userDomainId',
  'user-domain-name': 'userDomainName',
  'project-id': 'projectId',
  'project-name': 'projectName',
  'project-domain-id': 'projectDomainId',
  'project-domain-name': 'projectDomainName',
  'domain-id': 'domainId',
  'domain-name': 'domainName',
} as const satisfies Record<string, keyof Identity>;
const OTHERS =
  'x-identity-status x-service-identity-status x-is-admin-project x-service-catalog openstack-system-scope ' +
  'x-role x-user x-tenant x-tenant-id x-tenant-name x-group-ids';

/** All headers that pass an identity to applications. */
export const IDENTITY_HEADERS: ReadonlySet<string> = new Set([
  ...[...Object.keys(FIELDS), 'roles'].flatMap((field) => [`x-${field}`, `x-service-${field}`]),
  ...OTHERS.split(' '),
]);

/**
 * Removes all identity headers from a request. Every authenticator must call this first, for every request, because clients could claim
 * any identity otherwise. `once`: leaves the headers that an outer authenticator has set.
 */
export function stripIdentity(req: IncomingMessage, { once = false }: { readonly once?: boolean } = {}): void {
  const exchange = exchangeOf(req);
  if (once && exchange.identityStripped) return;
  exchange.identityStripped = true;
  if ((exchange.fieldKinds & (FIELD.IDENTITY | FIELD.UNDERSCORE)) === 0) return;
  removeHeaders(req, (name) => IDENTITY_HEADERS.has(name));
}

/** Header names and values. Empty and undefined values are omitted. */
export type HeaderPairs = readonly (readonly [name: string, value: string | undefined])[];

/** Returns the identity in a token. It has at most one scope, even if the validator returns several. */
export function identityOf(info: TokenInfo): Identity {
  const user = {
    userId: info.userId,
    userName: info.userName,
    userDomainId: info.userDomain?.id,
    userDomainName: info.userDomain?.name,
    roles: info.roles,
    isAdminProject: info.isAdminProject ?? false,
  };
  if (info.projectId !== undefined || info.projectName !== undefined) {
    const { id: projectDomainId, name: projectDomainName } = info.projectDomain ?? {};
    return { ...user, projectId: info.projectId, projectName: info.projectName, projectDomainId, projectDomainName };
  }
  if (info.domain !== undefined) return { ...user, domainId: info.domain.id, domainName: info.domain.name };
  return info.systemScope === undefined ? user : { ...user, systemScope: info.systemScope };
}

/** Returns the headers with the caller's identity. No role may have a comma, because it would become two roles. */
export function userHeaders(
  identity: Identity,
  info: TokenInfo,
  options: { readonly legacy: boolean; readonly catalog: boolean },
): HeaderPairs {
  const catalog = options.catalog ? info.catalog : undefined;
  return [
    ...commonHeaders('x-', identity),
    ['openstack-system-scope', identity.systemScope],
    ['x-is-admin-project', identity.isAdminProject === true ? 'True' : 'False'],
    ['x-service-catalog', catalog === undefined ? undefined : asciiJson(catalogOfVersion2(catalog))],
    ...(options.legacy ? legacyHeaders(identity) : []),
  ];
}

/** Returns the headers with the identity of the service that acts for the caller. */
export function serviceHeaders(identity: Identity): HeaderPairs {
  return commonHeaders('x-service-', identity);
}

/** Adds headers to a request. Headers of the same names must be removed first. */
export function addHeaders(req: IncomingMessage, pairs: HeaderPairs): void {
  const raw = [...req.rawHeaders];
  for (const [name, value] of pairs) {
    if (value === undefined || value === '') continue;
    req.headers[name] = value;
    raw.push(name, value);
  }
  replaceRawHeaders(req, raw);
}

function commonHeaders(prefix: string, identity: Identity): HeaderPairs {
  return [
    ...Object.entries(FIELDS).map(([name, field]) => [`${prefix}${name}`, encoded(identity[field])] as const),
    [`${prefix}roles`, joinedRoles(identity)],
  ];
}

/** Returns the headers that older services read. */
function legacyHeaders(identity: Identity): HeaderPairs {
  return [
    ['x-user', encoded(identity.userName)],
    ['x-tenant-id', encoded(identity.projectId)],
    ['x-tenant-name', encoded(identity.projectName)],
    ['x-tenant', encoded(identity.projectName)],
    ['x-role', joinedRoles(identity)],
  ];
}

function joinedRoles({ roles = [] }: Identity): string {
  return roles.map(encoded).join(',');
}

/** Percent-encodes text that is not printable ASCII, because Node refuses it in a header. */
export function encoded(value: string): string;
export function encoded(value: string | undefined): string | undefined;
export function encoded(value: string | undefined): string | undefined {
  if (value === undefined || /^[\x20-\x7e]*$/.test(value)) return value;
  // The Buffer replaces lone surrogates, which encodeURIComponent refuses.
  return encodeURIComponent(Buffer.from(value).toString());
}

function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

// Converts the service catalog to the form of Identity API v2, which `X-Service-Catalog` has.

/**
 * Converts a v3 catalog to v2, in which an endpoint has the URLs of a region: `publicURL`, `internalURL`, `adminURL`. Endpoints in v2 form
 * are kept; entries that are not objects are dropped.
 */
function catalogOfVersion2(catalog: readonly unknown[]): object[] {
  return catalog.filter(isObject).map(({ type, name, endpoints }) => {
    const regions = new Map<unknown, Record<string, unknown>>();
    const kept: Record<string, unknown>[] = [];
    for (const endpoint of Array.isArray(endpoints) ? endpoints.filter(isObject) : []) {
      const { interface: which, region = null, url } = endpoint;
      if (typeof which !== 'string') {
        kept.push({ ...endpoint });
        continue;
      }
      const known = regions.get(region) ?? (typeof region === 'string' && region !== '' ? { region } : {});
      known[`${which.toLowerCase()}URL`] = url;
      regions.set(region, known);
    }
    return { type, ...(name === undefined ? {} : { name }), endpoints: [...regions.values(), ...kept] };
  });
}
