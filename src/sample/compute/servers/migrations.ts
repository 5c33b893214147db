/** Migrations of servers: always none, because servers stay on the host where they were created. */
import { type ActionRequest, action } from 'portico/routing';
import { Controller, refuse, requireAdmin } from '../api.js';
import { anyText } from '../schemas.js';
import { findServer } from './stored-servers.js';

const list = {
  type: 'object',
  properties: {
    hidden: anyText,
    host: anyText,
    instance_uuid: anyText,
    source_compute: anyText,
    status: anyText,
    migration_type: anyText,
  },
} as const;
const page = {
  ...list,
  properties: { ...list.properties, limit: anyText, marker: anyText, 'changes-since': anyText },
  additionalProperties: false,
} as const;
const query = {
  '2.1': list,
  '2.59': page,
  '2.66': { ...page, properties: { ...page.properties, 'changes-before': anyText } },
} as const;

export class Migrations extends Controller {
  readonly index = action({ query }, (request) => {
    requireAdmin(request, 'os-migrations:index');
    return { migrations: [] };
  });
}

/** The migrations in progress of one server. */
export class ServerMigrations extends Controller {
  readonly index = action({ versions: ['2.23'] }, (request, { server_id }) => {
    this.#find(request, server_id, 'index');
    return { migrations: [] };
  });

  readonly show = action({ versions: ['2.23'] }, (request, { server_id, id }) => {
    const server = this.#find(request, server_id, 'show');
    refuse(404, `In-progress live migration ${String(id)} is not found for server ${server.id}.`);
  });

  #find(request: ActionRequest, id: unknown, verb: string) {
    requireAdmin(request, `servers:migrations:${verb}`);
    return this.cloud.read(() => findServer(this.cloud, request, id));
  }
}
