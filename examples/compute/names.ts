/** Names and ids derived from a server, in nova's forms. */
import { hash } from 'node:crypto';
import type { Stored } from 'portico/sqlite';
import type { Server } from './records.js';

/**
 * Returns the server's name as a host name (RFC 1123): letters, digits and hyphens, at most 63 characters; `server-<id>` if none are
 * left.
 */
export function hostName({ name, id }: Server): string {
  const plain = name
    .slice(0, 63)
    .toLowerCase()
    .replaceAll(/[\s_.]/g, '-');
  return plain.replaceAll(/[^a-z0-9-]/g, '').replaceAll(/^-+|-+$/g, '') || `server-${id}`;
}

/** Returns the hypervisor's name for the server. */
export function instanceName({ seq }: Stored<Server>): string {
  return `instance-${hex8(seq)}`;
}

export function hex8(number: number): string {
  return number.toString(16).padStart(8, '0');
}

/**
 * Returns an id of the server's host that hides its name. It is equal for servers of one project on one host; each project gets another
 * one.
 */
export function hostId({ host, project_id }: Server): string {
  return host === null ? '' : hash('sha224', project_id + host);
}
