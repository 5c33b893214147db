/**
 * Who a request was found to come from, and the headers in which clients must not claim it.
 */
import type { IncomingMessage } from 'node:http';
import { folded, removeHeaders } from '../headers/request-headers.js';

/** What an authenticator has found out. */
export interface Identity {
  readonly userId?: string | undefined;
  readonly userName?: string | undefined;
  readonly projectId?: string | undefined;
  readonly projectName?: string | undefined;
  /** Of the domain the caller acts for; the user's own is `userDomainId`. */
  readonly domainId?: string | undefined;
  readonly domainName?: string | undefined;
  readonly userDomainId?: string | undefined;
  readonly userDomainName?: string | undefined;
  readonly projectDomainId?: string | undefined;
  readonly projectDomainName?: string | undefined;
  /** `all` for who acts for the whole system. */
  readonly systemScope?: string | undefined;
  readonly isAdminProject?: boolean | undefined;
  readonly roles?: readonly string[] | undefined;
}

declare module '../../app/index.js' {
  interface Environ {
    /** The authenticated caller; set by an authenticator, read by the context filter. */
    identity?: Identity;
  }
}

const FIELDS =
  'user-id user-name user-domain-id user-domain-name project-id project-name project-domain-id project-domain-name ' +
  'domain-id domain-name roles';
const OTHERS =
  'x-identity-status x-service-identity-status x-is-admin-project x-service-catalog openstack-system-scope ' +
  'x-role x-user x-tenant x-tenant-id x-tenant-name x-group-ids';

/** Every header in which an identity is handed on to applications. */
export const IDENTITY_HEADERS: ReadonlySet<string> = new Set([
  ...FIELDS.split(' ').flatMap((field) => [`x-${field}`, `x-service-${field}`]),
  ...OTHERS.split(' '),
]);

/**
 * Removes every identity a client claims by header. Each authenticator does this first, whatever it finds afterwards:
 * one that forgets lets its clients be whoever they like. `extra` are further names, lower case.
 */
export function stripIdentity(req: IncomingMessage, extra?: ReadonlySet<string>): void {
  if (extra === undefined && !mayClaimIdentity(req)) return;
  removeHeaders(req, (name) => IDENTITY_HEADERS.has(name) || extra?.has(name) === true);
}

/** One look at the names, which begin with `x-` or `openstack`: nearly all requests claim nothing. */
function mayClaimIdentity({ headers }: IncomingMessage): boolean {
  for (const name in headers) {
    const first = name.charCodeAt(0) | LOWER_CASE;
    if ((first === LETTER_X || first === LETTER_O) && IDENTITY_HEADERS.has(folded(name))) return true;
  }
  return false;
}

const LOWER_CASE = 0x20;
const LETTER_O = 0x6f;
const LETTER_X = 0x78;
