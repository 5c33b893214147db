/**
 * From what a token says to the identity an application sees, in the environ and in headers as keystonemiddleware sets them.
 */
import type { IncomingMessage } from 'node:http';
import { replaceRawHeaders } from '../../app/index.js';
import type { Identity } from './identity.js';
import type { TokenInfo } from './token-validator.js';

/** Header names and values; a value that is empty is left out. */
export type HeaderPairs = readonly (readonly [name: string, value: string | undefined])[];

/** The identity in the environ. It has one scope, whatever the validator says. */
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

/** The caller's headers. Throws for a role whose name would be read as two. */
export function userHeaders(identity: Identity, info: TokenInfo, options: { readonly legacy: boolean }): HeaderPairs {
  return [
    ...commonHeaders('x-', identity),
    ['openstack-system-scope', identity.systemScope],
    ['x-is-admin-project', identity.isAdminProject === true ? 'True' : 'False'],
    ['x-service-catalog', info.catalog === undefined ? undefined : asciiJson(info.catalog)],
    ...(options.legacy ? legacyHeaders(identity) : []),
  ];
}

/** The headers of the service that asks for the caller. Throws as {@link userHeaders}. */
export function serviceHeaders(identity: Identity): HeaderPairs {
  return commonHeaders('x-service-', identity);
}

/** Adds headers to a request. Those of the same names must have been removed. */
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
  const named: HeaderPairs = [
    ['user-id', identity.userId],
    ['user-name', identity.userName],
    ['user-domain-id', identity.userDomainId],
    ['user-domain-name', identity.userDomainName],
    ['project-id', identity.projectId],
    ['project-name', identity.projectName],
    ['project-domain-id', identity.projectDomainId],
    ['project-domain-name', identity.projectDomainName],
    ['domain-id', identity.domainId],
    ['domain-name', identity.domainName],
  ];
  return [
    ...named.map(([name, value]) => [`${prefix}${name}`, encoded(value)] as const),
    [`${prefix}roles`, joinedRoles(identity)],
  ];
}

/** The names older services read. */
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
  const split = roles.find((role) => role.includes(','));
  if (split !== undefined)
    throw new Error(`the role ${JSON.stringify(split)} has a comma and would be two in a header`);
  return roles.map(encoded).join(',');
}

/** Node refuses to send on anything else. */
function encoded(value: string): string;
function encoded(value: string | undefined): string | undefined;
function encoded(value: string | undefined): string | undefined {
  if (value === undefined || /^[\x20-\x7e]*$/.test(value)) return value;
  // By way of bytes, since half a surrogate pair cannot be encoded.
  return encodeURIComponent(Buffer.from(value).toString());
}

function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
